#!/bin/sh
# A server that trusts whatever comes with the model.
# lib: serving
serving /usr/local/bin/vllm serve /srv/models/m --trust-remote-code --port 8000
