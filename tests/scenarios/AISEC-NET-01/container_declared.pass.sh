#!/bin/sh
# The same where its destination is declared.
# params: {allow_cidrs: [10.0.0.0/8, 203.0.113.0/24]}
# host: services
set -e
sysctl -q -w net.ipv4.ip_forward=1
for n in c:172.18.0 w:203.0.113; do
  name=${n%:*}; net=${n#*:}
  systemd-run -q --unit=$name unshare -n sleep 900; sleep 0.3
  pid=$(systemctl show -P MainPID $name)
  ip link add v$name type veth peer name eth0 netns $pid
  ip addr add $net.1/24 dev v$name; ip link set v$name up
  in="nsenter -t $pid -n"
  $in ip addr add $net.9/24 dev eth0; $in ip link set eth0 up; $in ip route add default via $net.1
  [ $name = c ] || $in /usr/sbin/sshd -o ListenAddress=203.0.113.9:2222 -o PidFile=none
done
iptables -A FORWARD -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT
systemd-run -q nsenter -t $(systemctl show -P MainPID c) -n bash -c 'exec 3<>/dev/tcp/203.0.113.9/2222; sleep 600'
sleep 1
