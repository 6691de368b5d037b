#!/bin/sh
# Asked, the server answers anybody.
# host: services
# lib: jupyter
# active: yes
mkdir /home/ai_user/.jupyter
echo "import os
c.IdentityProvider.token = os.environ.get(\"T\", \"\")" > /home/ai_user/.jupyter/jupyter_server_config.py
jupyter ai_user 8888
