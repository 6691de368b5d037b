#!/bin/sh
# The file that the server was started with has been mended since: what runs still trusts remote code.
# lib: serving
# reason: stale
mkdir -p /var/lib/serving
printf 'model: m\ntrust-remote-code: true\n' >/var/lib/serving/serve.yaml
serving --working-directory=/var/lib/serving /usr/local/bin/vllm serve --config serve.yaml
printf 'model: m\n' >/var/lib/serving/serve.yaml
