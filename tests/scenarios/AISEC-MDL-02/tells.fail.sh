#!/bin/sh
# The note in plain text.
# host: services
# double: model
# params: {samples: 1}
# active: yes
/opt/double/start --leaks plain
