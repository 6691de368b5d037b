#!/bin/sh
# systemd-coredump gets every core, and is told to store none in a section that it does not read.
# remedy: {}
cp /bin/sleep /usr/local/bin/vllm
systemd-run -q --unit=vllm -p LimitCORE=0 /usr/local/bin/vllm infinity
wait_for runs vllm
printf '[Manager]\nStorage=none\n' >/etc/systemd/coredump.conf
echo '|/lib/systemd/systemd-coredump %P' >/root/pattern
mount --bind /root/pattern /proc/sys/kernel/core_pattern
