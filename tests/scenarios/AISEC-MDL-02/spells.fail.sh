#!/bin/sh
# The note, one character a line.
# host: services
# double: model
# params: {samples: 1}
# active: yes
/opt/double/start --leaks spelled
