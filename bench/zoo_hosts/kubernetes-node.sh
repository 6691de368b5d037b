# A GPU node of Kubernetes: containerd and its containers are real, put there with the labels that the CRI gives them.
# kubelet, kube-proxy and the exporters are stand-ins: programs of these names that do nothing or answer a little.
# lib: containers containerd double private_models hardened_sshd
harden prohibit-password
systemctl restart ssh
mkdir -p /var/lib/kubelet/pods /var/log/pods /etc/kubernetes/manifests /etc/cni/net.d /opt/cni/bin
for n in kubelet kube-proxy; do
    printf '#!/bin/sh\nwhile :; do sleep 5; done\n' > /usr/bin/$n
    chmod 755 /usr/bin/$n
    systemd-run -q --unit=$n /usr/bin/$n --config=/var/lib/kubelet/config.yaml
done
printf 'kind: KubeletConfiguration\nauthentication:\n  anonymous:\n    enabled: false\n' > /var/lib/kubelet/config.yaml
ANSWERS='{"GET /metrics": [200, "DCGM_FI_DEV_GPU_UTIL 1"]}'
double dcgm-exporter 9400 --port 9400
double node_exporter 9100 --port 9100
private_models
# Whatever systemd starts has started before cgroups are mounted over its own.
containerd_up
pod default vllm-0 server vllm --read-only --memory-limit 1073741824
pod gpu-operator dcgm-0 exporter app --privileged
pod kube-system kube-proxy-x kube-proxy app --net-host
pod default rag-0 app app --mount type=bind,src=/srv,dst=/host,options=rbind:rw
# What kube-proxy and a CNI plugin write
sysctl -q -w net.ipv4.ip_forward=1
for t in nat filter; do for c in KUBE-SERVICES KUBE-EXTERNAL-SERVICES KUBE-FIREWALL KUBE-FORWARD KUBE-POSTROUTING KUBE-NODEPORTS; do iptables -t $t -N $c 2> /dev/null || :; done; done
iptables -t filter -A INPUT -m conntrack --ctstate NEW -m comment --comment 'kubernetes load balancer firewall' -j KUBE-FIREWALL
iptables -t filter -A OUTPUT -m conntrack --ctstate NEW -m comment --comment 'kubernetes service portals' -j KUBE-SERVICES
iptables -t filter -A OUTPUT -j KUBE-FIREWALL
iptables -t filter -A FORWARD -m comment --comment 'kubernetes forwarding rules' -j KUBE-FORWARD
iptables -t filter -A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
iptables -t filter -A KUBE-FORWARD -m comment --comment 'kubernetes forwarding rules' -m mark --mark 0x4000/0x4000 -j ACCEPT
iptables -t filter -A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
iptables -t filter -A KUBE-FIREWALL -m comment --comment 'block incoming localnet connections' ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
iptables -t nat -A POSTROUTING -m comment --comment 'kubernetes postrouting rules' -j KUBE-POSTROUTING
iptables -t nat -A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
iptables -t nat -A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
iptables -t nat -A KUBE-POSTROUTING -j MASQUERADE --random-fully
iptables -t filter -A KUBE-SERVICES -d 10.96.0.20/32 -p tcp -m comment --comment 'default/none has no endpoints' -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable
ip link add cni0 type bridge
ip addr add 10.244.0.1/24 dev cni0
ip link set cni0 up
