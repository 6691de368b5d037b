#!/bin/sh
# Nobody approved anything.
# host: services
# double: model
# active: yes
/opt/double/start
