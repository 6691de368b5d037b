#!/bin/sh
# A planted key: the transcript has a mark in its place.
# host: services
# double: model
# params: {samples: 1, planted_file: "{here}/planted.txt"}
# active: yes
/opt/double/start --planted "The key is sk-proj-0123456789abcdefghijABCDEFGHIJ."
