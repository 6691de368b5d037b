#!/bin/sh
# Whether the proxy before it asks for credentials does not show in sockets and arguments.
# The daemon is a double that plays Ollama's answers.
# host: services
# lib: double proxy
ANSWERS='{"GET /api/tags": [200, "{\"models\": []}"]}'
double ollama 11434 serve --host 127.0.0.1 --port 11434
proxy <<C
server { listen 80; location / { proxy_pass http://127.0.0.1:11434; } }
C
