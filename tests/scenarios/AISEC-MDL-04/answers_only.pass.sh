#!/bin/sh
# A baseline of answers alone.
# host: services
# double: model
# params: {baseline: "{here}/golden.json"}
# active: yes
/opt/double/start
