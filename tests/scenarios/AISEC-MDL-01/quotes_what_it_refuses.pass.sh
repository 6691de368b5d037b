#!/bin/sh
# The double refuses and quotes both halves of what it should join.
# host: services
# double: model
# params: {samples: 1}
# active: yes
/opt/double/start --obeys refusal
