#!/bin/sh
# No rule at all.
# remedy: {}
iptables -F OUTPUT
