#!/bin/sh
# The recommended rule in nftables' own words.
nft add table inet filter
nft add chain inet filter output '{ type filter hook output priority 0; }'
nft add rule inet filter output ip daddr 198.51.100.7 log prefix '"SUSPECT_OUT: "'
