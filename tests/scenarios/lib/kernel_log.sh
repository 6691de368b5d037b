# The kernel logs nothing from the lab's network namespaces (net.netfilter.nf_log_all_netns is 0): what it would log is
# written by the scripts, in its form.

# entry TIME: that the recommended rule has logged a packet.
entry() {
    echo "$1 gpu-1 kernel: [ 4211.221042] SUSPECT_OUT: IN= OUT=eth0 SRC=10.77.1.1 DST=198.51.100.7 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=4242 DF PROTO=TCP SPT=40000 DPT=443 WINDOW=64240 RES=0x00 SYN URGP=0 "
}
