#!/bin/sh
# A baseline whose answers are all the same.
# host: services
# double: model
# params: {baseline: "{here}/same_answers.baseline"}
# active: yes
# reason: parse
/opt/double/start --says yes
