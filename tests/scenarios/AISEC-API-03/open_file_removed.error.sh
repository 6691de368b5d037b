#!/bin/sh
# The file that lets everybody in is gone, and the server that read it still runs.
# host: services
# lib: jupyter
# reason: stale
mkdir -p /etc/jupyter/jupyter_server_config.d
echo '{"IdentityProvider": {"token": ""}}' > /etc/jupyter/jupyter_server_config.d/open.json
jupyter ai_user 8888
rm /etc/jupyter/jupyter_server_config.d/open.json
