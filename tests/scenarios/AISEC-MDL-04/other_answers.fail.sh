#!/bin/sh
# The id is the same, and something else answers.
# host: services
# double: model
# params: {baseline: "{here}/golden.baseline"}
# active: yes
/opt/double/start --says "Paris"
