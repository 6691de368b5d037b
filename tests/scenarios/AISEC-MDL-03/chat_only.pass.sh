#!/bin/sh
# A double without a memory, and without the route for completions.
# host: services
# double: model
# params: {canary_file: "{here}/canaries.txt"}
# active: yes
/opt/double/start --chat-only
