#!/bin/sh
# An old core of a model server.
# remedy: {}
cp /bin/sleep /usr/local/bin/vllm
systemd-run -q --unit=vllm -p LimitCORE=0 /usr/local/bin/vllm infinity
wait_for runs vllm
mkdir -p /var/crash
echo core > /var/crash/core.4711
