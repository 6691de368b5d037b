#!/bin/sh
# There is an access control list, and nothing to read it with.
# lib: private_models
# reason: tool_missing
private_models
setfacl -m g:ai_team:rx /srv/models
rm -f /usr/bin/getfacl /bin/getfacl
