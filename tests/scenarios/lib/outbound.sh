# An established connection to 203.0.113.9, port 2222, where an sshd listens.

# connected [PID]: whether it is established, in the network of that process.
connected() {
    ${1:+nsenter -t "$1" -n} ss -Htn state established 'dst 203.0.113.9 and dport = :2222' | grep -q .
}

# connect [PREFIX…]: makes it; a prefix may lead into another network.
connect() {
    systemd-run -q "$@" bash -c 'exec 3<>/dev/tcp/203.0.113.9/2222; sleep 600'
}

# outbound: from this host; the other end is an address of its own.
outbound() {
    ip addr add 203.0.113.9/32 dev lo
    /usr/sbin/sshd -o ListenAddress=203.0.113.9:2222 -o PidFile=none
    connect
    wait_for connected
}

# container_outbound: from a network namespace of its own, by this host, to another one.
container_outbound() {
    sysctl -q -w net.ipv4.ip_forward=1
    for n in c:172.18.0 w:203.0.113; do
        name=${n%:*} net=${n#*:}
        systemd-run -q --unit="$name" unshare -n sleep 900
        pid=$(systemctl show -P MainPID "$name")
        wait_for grep -qx sleep "/proc/$pid/comm" # it has left the host's network by then
        ip link add "v$name" type veth peer name eth0 netns "$pid"
        ip addr add "$net.1/24" dev "v$name"
        ip link set "v$name" up
        in="nsenter -t $pid -n"
        $in ip addr add "$net.9/24" dev eth0
        $in ip link set eth0 up
        $in ip route add default via "$net.1"
        [ "$name" = c ] || $in /usr/sbin/sshd -o ListenAddress=203.0.113.9:2222 -o PidFile=none
    done
    iptables -A FORWARD -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT
    pid=$(systemctl show -P MainPID c)
    connect nsenter -t "$pid" -n
    wait_for connected "$pid"
}
