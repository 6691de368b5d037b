#!/bin/sh
# In the file that the server was started with, outside of the usual directories.
# lib: serving
mkdir -p /var/lib/serving
printf 'model: m\ntrust-remote-code: true\n' >/var/lib/serving/serve.yaml
serving --working-directory=/var/lib/serving /usr/local/bin/vllm serve --config serve.yaml
