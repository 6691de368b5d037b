#!/bin/sh
# Listens on every address.
# The daemon is a double that plays Ollama's answers.
# host: services
# lib: double
ANSWERS='{"GET /api/tags": [200, "{\"models\": []}"]}'
double ollama 11434 serve --port 11434
