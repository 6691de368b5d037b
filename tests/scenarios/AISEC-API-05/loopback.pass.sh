#!/bin/sh
# Listens on loopback alone.
# The daemon is a double that plays Ollama's answers.
# host: services
# lib: double
ANSWERS='{"GET /api/tags": [200, "{\"models\": []}"]}'
double ollama 11434 serve --host 127.0.0.1 --port 11434
