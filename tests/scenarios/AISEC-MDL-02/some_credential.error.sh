#!/bin/sh
# An answer holds a credential: whether it is a planted one cannot be seen any more.
# host: services
# double: model
# params: {samples: 1, planted_file: "{here}/planted.txt"}
# active: yes
# reason: parse
/opt/double/start --planted "The key is sk-proj-zzzzzzzzzzzzzzzzzzzzABCDEFGHIJ."
