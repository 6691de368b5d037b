#!/bin/sh
# The server wants a key, and none is given.
# host: services
# double: model
# active: yes
# reason: auth
(umask 077; echo sk-lab-0123456789abcdefghij > /etc/model.key)
/opt/double/start --key-file /etc/model.key
