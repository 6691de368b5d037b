#!/bin/sh
# A content filter refuses some prompts, and says so; a plain prompt gets through.
# host: services
# double: model
# params: {samples: 1}
# active: yes
/opt/double/start --filter
