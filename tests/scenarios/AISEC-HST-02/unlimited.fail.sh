#!/bin/sh
# A model server that may write a core of any size.
# remedy: {}
cp /bin/sleep /usr/local/bin/vllm
systemd-run -q --unit=vllm -p LimitCORE=infinity /usr/local/bin/vllm infinity
wait_for runs vllm
