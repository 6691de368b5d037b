#!/bin/sh
# One of two listens for others, over IPv6 too and on another port.
# The daemon is a double that plays Ollama's answers.
# host: services
# lib: double
ANSWERS='{"GET /api/tags": [200, "{\"models\": []}"]}'
double ollama 11434 serve --host 127.0.0.1 --port 11434
double llama-server 9999 --host :: --port 9999
