#!/bin/sh
# A rate limit is asked for, and there is none.
# params: {require_limit: true}
iptables -A OUTPUT -d 198.51.100.7 -j LOG --log-prefix "SUSPECT_OUT: "
