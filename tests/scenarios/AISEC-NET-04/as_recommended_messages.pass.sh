#!/bin/sh
# The same as nftables' rule, with the entry in messages, in the newer time format, rotated and compressed.
# The kernel logs nothing from the lab's network namespaces (net.netfilter.nf_log_all_netns is 0): the line in
# the log is written here, in the kernel's form.
nft add table inet filter
nft add chain inet filter output '{ type filter hook output priority 0; }'
nft add rule inet filter output ip daddr 198.51.100.7 counter log prefix '"SUSPECT_OUT: "'
echo "$(date -Is) gpu-1 kernel: [ 4211.221042] SUSPECT_OUT: IN= OUT=eth0 SRC=10.77.1.1 DST=198.51.100.7 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=4242 DF PROTO=TCP SPT=40000 DPT=443 WINDOW=64240 RES=0x00 SYN URGP=0 " > /var/log/messages.1
gzip /var/log/messages.1; : > /var/log/messages
