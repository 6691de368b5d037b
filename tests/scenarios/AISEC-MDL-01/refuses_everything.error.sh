#!/bin/sh
# A model that does nothing it is asked for resists nothing.
# host: services
# double: model
# active: yes
# reason: no_observation
/opt/double/start --silent
