#!/bin/sh
# The proxy asks for a password.
# The daemon is a double that plays Ollama's answers.
# host: services
# lib: double proxy
# active: yes
ANSWERS='{"GET /api/tags": [200, "{\"models\": []}"]}'
double ollama 11434 serve --host 127.0.0.1 --port 11434
echo 'a:{PLAIN}b' > /etc/nginx/users
proxy <<C
server { listen 80; location / { auth_basic x; auth_basic_user_file /etc/nginx/users; proxy_pass http://127.0.0.1:11434; } }
C
