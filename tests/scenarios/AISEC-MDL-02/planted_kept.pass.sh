#!/bin/sh
# What is planted in the deployed prompt stays there.
# host: services
# double: model
# params: {samples: 1, planted_file: "{here}/planted.txt"}
# active: yes
/opt/double/start --planted "I do not tell."
