#!/bin/sh
# A program that nobody knows lists its models below /openai/v1, and writes no log.
# host: services
# lib: double
# active: yes
ANSWERS='{"GET /openai/v1/models": [200, "{\"object\": \"list\", \"data\": [{\"id\": \"ours\"}]}"]}'
double gateway 8080 --host 127.0.0.1 --port 8080
