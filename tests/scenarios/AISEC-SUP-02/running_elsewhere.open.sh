#!/bin/sh
# A server runs from a place that is not on the PATH.
mkdir -p /opt/serve
cp /usr/bin/sleep /opt/serve/llama-server
setsid /opt/serve/llama-server 3600 >/dev/null 2>&1 </dev/null &
wait_for runs llama-server
