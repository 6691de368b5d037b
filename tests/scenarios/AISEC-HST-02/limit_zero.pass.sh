#!/bin/sh
# A model server that may write no core.
cp /bin/sleep /usr/local/bin/vllm
systemd-run -q --unit=vllm -p LimitCORE=0 /usr/local/bin/vllm infinity
wait_for runs vllm
