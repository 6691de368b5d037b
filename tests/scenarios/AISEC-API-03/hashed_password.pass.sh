#!/bin/sh
# A password instead of a token.
# host: services
# lib: jupyter
mkdir /home/ai_user/.jupyter
echo '{"IdentityProvider": {"token": ""}, "PasswordIdentityProvider": {"hashed_password": "argon2:$argon2id$v=19$m=10240,t=10,p=8$c2FsdHNhbHRzYWx0$Zm9vYmFyZm9vYmFyZm9vYmFy"}}' > /home/ai_user/.jupyter/jupyter_server_config.json
jupyter ai_user 8888
