#!/bin/sh
# A double without a memory.
# host: services
# double: model
# params: {canary_file: "{here}/canaries.txt"}
# active: yes
/opt/double/start
