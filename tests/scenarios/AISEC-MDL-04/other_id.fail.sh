#!/bin/sh
# Another model is served.
# host: services
# double: model
# params: {baseline: "{here}/golden.baseline"}
# active: yes
/opt/double/start --served-model-name double-2
