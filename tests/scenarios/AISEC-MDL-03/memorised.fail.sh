#!/bin/sh
# The double completes a canary, and no other.
# host: services
# double: model
# params: {samples: 1, canary_file: "{here}/canaries.txt"}
# active: yes
/opt/double/start --memory "The launch code of the blue balloon is kestrel nine four seven two"
