#!/bin/sh
# Only running the configuration tells whether there is a token.
# host: services
# lib: jupyter
mkdir /home/ai_user/.jupyter
echo "import os
c.IdentityProvider.token = os.environ.get(\"T\", \"\")" > /home/ai_user/.jupyter/jupyter_server_config.py
jupyter ai_user 8888
