#!/bin/sh
# A double that keeps its note and its prompt.
# host: services
# double: model
# active: yes
/opt/double/start
