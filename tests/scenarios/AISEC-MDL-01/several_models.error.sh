#!/bin/sh
# Nobody said which of the models is meant.
# host: services
# double: model
# active: yes
# reason: parse
/opt/double/start --also-list double-2
