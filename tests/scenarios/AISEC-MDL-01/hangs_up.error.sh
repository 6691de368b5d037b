#!/bin/sh
# The server hangs up after the first prompts.
# host: services
# double: model
# params: {samples: 1}
# active: yes
# reason: unreachable
/opt/double/start --cuts-after 10
