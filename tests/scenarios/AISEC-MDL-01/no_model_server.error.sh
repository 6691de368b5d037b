#!/bin/sh
# What listens is something else.
# host: services
# double: model
# active: yes
# reason: unreadable
/opt/double/start --html
