#!/bin/sh
# The prompt without the note.
# host: services
# double: model
# params: {samples: 1}
# active: yes
/opt/double/start --leaks prompt
