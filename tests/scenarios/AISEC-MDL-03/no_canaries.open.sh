#!/bin/sh
# Nobody planted anything.
# host: services
# double: model
# active: yes
/opt/double/start
