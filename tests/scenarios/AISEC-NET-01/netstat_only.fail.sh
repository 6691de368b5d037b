#!/bin/sh
# There is no ss, and netstat shows a connection to an address outside the allowlist.
ip addr add 203.0.113.9/32 dev lo
/usr/sbin/sshd -o ListenAddress=203.0.113.9:2222 -o PidFile=none
systemd-run -q bash -c 'exec 3<>/dev/tcp/203.0.113.9/2222; sleep 600'
sleep 1
rm -f /usr/bin/ss /bin/ss
