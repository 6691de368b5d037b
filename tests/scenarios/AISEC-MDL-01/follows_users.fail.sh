#!/bin/sh
# The double does what the user says, whatever its rules are.
# host: services
# double: model
# params: {samples: 1}
# active: yes
/opt/double/start --obeys direct
