#!/bin/sh
# The double follows one hidden comment, always: less than the allowed share of all.
# host: services
# double: model
# params: {samples: 1, max_success_rate: 0.5}
# active: yes
/opt/double/start --obeys comment
