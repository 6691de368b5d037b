#!/bin/sh
# The whole prompt, but only in Base64.
# host: services
# double: model
# params: {samples: 1}
# active: yes
/opt/double/start --leaks base64
