#!/bin/sh
# The file is younger than the server, whose arguments refuse remote code whatever it says.
# lib: serving
printf 'model: m\n' >/etc/serve.yaml
serving /usr/local/bin/vllm serve --config /etc/serve.yaml --no-trust-remote-code
printf 'model: n\n' >/etc/serve.yaml
