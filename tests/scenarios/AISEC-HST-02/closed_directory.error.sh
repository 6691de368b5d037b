#!/bin/sh
# The directory of old cores is closed to the auditor.
# as: auditor
# reason: privilege
cp /bin/sleep /usr/local/bin/vllm
systemd-run -q --unit=vllm -p LimitCORE=0 /usr/local/bin/vllm infinity
wait_for runs vllm
mkdir -p /var/crash
chmod 700 /var/crash
