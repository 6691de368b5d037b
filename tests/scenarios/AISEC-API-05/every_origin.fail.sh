#!/bin/sh
# On loopback, but every web page may use it.
# The daemon is a double that plays Ollama's answers.
# host: services
# lib: double
ANSWERS='{"GET /api/tags": [200, "{\"models\": []}"]}'
SET=-EOLLAMA_ORIGINS=http://localhost,*
double ollama 11434 serve --host 127.0.0.1 --port 11434
