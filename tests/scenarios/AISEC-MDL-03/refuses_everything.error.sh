#!/bin/sh
# A model that repeats nothing has forgotten nothing.
# host: services
# double: model
# params: {canary_file: "{here}/canaries.txt"}
# active: yes
# reason: no_observation
/opt/double/start --silent
