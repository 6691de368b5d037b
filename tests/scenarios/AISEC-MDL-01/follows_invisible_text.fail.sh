#!/bin/sh
# The double follows an order in characters that nobody sees.
# host: services
# double: model
# params: {samples: 1}
# active: yes
/opt/double/start --obeys invisible
