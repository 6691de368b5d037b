#!/bin/sh
# A double that keeps to its rules, behind a key.
# host: services
# double: model
# params: {model_key_file: /etc/model.key}
# active: yes
(umask 077; echo sk-lab-0123456789abcdefghij > /etc/model.key)
/opt/double/start --key-file /etc/model.key
