#!/bin/sh
# The server answers the first prompts and then no more.
# host: services
# double: model
# params: {samples: 2}
# active: yes
# reason: unreadable
/opt/double/start --limit 20
