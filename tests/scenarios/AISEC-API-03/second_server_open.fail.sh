#!/bin/sh
# The first is closed. The second has its empty token in a configuration file of its user, though /etc sets one.
# host: services
# lib: jupyter
jupyter ai_user 8888
mkdir -p /etc/jupyter /home/operator/.jupyter
echo '{"IdentityProvider": {"token": "abcdefabcdef"}}' > /etc/jupyter/jupyter_server_config.json
echo "c = get_config()
c.IdentityProvider.token = ''" > /home/operator/.jupyter/jupyter_server_config.py
jupyter operator 8889
