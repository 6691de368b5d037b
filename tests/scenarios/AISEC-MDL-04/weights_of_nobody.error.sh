#!/bin/sh
# The approved file is there, and no process says that it serves it.
# host: services
# double: model
# params: {baseline: "{here}/weights_only.baseline"}
# active: yes
# reason: no_observation
mkdir -p /srv/models/double-1 && echo weights > /srv/models/double-1/model.safetensors
/opt/double/start
