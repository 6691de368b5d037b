#!/bin/sh
# A server that drops system messages has no secret to keep.
# host: services
# double: model
# active: yes
# reason: no_observation
/opt/double/start --no-system
