#!/bin/sh
# The proxy lets everybody through.
# The daemon is a double that plays Ollama's answers.
# host: services
# lib: double proxy
# active: yes
ANSWERS='{"GET /api/tags": [200, "{\"models\": []}"]}'
double ollama 11434 serve --host 127.0.0.1 --port 11434
proxy <<C
server { listen 80; location / { proxy_pass http://127.0.0.1:11434; } }
C
