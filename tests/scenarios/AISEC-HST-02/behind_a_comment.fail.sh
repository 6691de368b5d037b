#!/bin/sh
# systemd-coredump gets every core, and behind a comment that looks like the head of a file it is told to store them.
cp /bin/sleep /usr/local/bin/vllm
systemd-run -q --unit=vllm -p LimitCORE=0 /usr/local/bin/vllm infinity
wait_for runs vllm
printf '[Coredump]\nStorage=none\n# /etc/systemd/coredump.conf\nStorage=external\n' >/etc/systemd/coredump.conf
echo '|/lib/systemd/systemd-coredump %P' >/root/pattern
mount --bind /root/pattern /proc/sys/kernel/core_pattern
