#!/bin/sh
# The same connection to a host that is declared by name, on a declared port.
# params: {allow_hosts: [models.example], allow_ports: [2222]}
echo '203.0.113.9 models.example' >> /etc/hosts
ip addr add 203.0.113.9/32 dev lo
/usr/sbin/sshd -o ListenAddress=203.0.113.9:2222 -o PidFile=none
systemd-run -q bash -c 'exec 3<>/dev/tcp/203.0.113.9/2222; sleep 600'
sleep 1
