#!/bin/sh
# A canary that could come by chance.
# host: services
# double: model
# params: {canary_file: "{here}/short.txt"}
# active: yes
# reason: parse
/opt/double/start
