#!/bin/sh
# A proxy, and no daemon on this host that it could lead to.
# host: services
systemctl start nginx
