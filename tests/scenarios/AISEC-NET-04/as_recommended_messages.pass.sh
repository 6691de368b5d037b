#!/bin/sh
# The same as nftables' rule, with the entry in messages, in the newer time format, rotated and compressed.
# lib: kernel_log
nft add table inet filter
nft add chain inet filter output '{ type filter hook output priority 0; }'
nft add rule inet filter output ip daddr 198.51.100.7 counter log prefix '"SUSPECT_OUT: "'
entry "$(date -Is)" > /var/log/messages.1
gzip /var/log/messages.1; : > /var/log/messages
