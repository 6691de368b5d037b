#!/bin/sh
# A baseline of answers alone.
# host: services
# double: model
# params: {baseline: "{here}/golden.baseline"}
# active: yes
/opt/double/start
