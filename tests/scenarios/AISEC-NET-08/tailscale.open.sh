#!/bin/sh
# Tailscale runs: whether its funnel is on, only it knows. The program is a stand-in.
cp /bin/sleep /usr/local/bin/tailscaled
systemd-run -q /usr/local/bin/tailscaled 600
wait_for runs tailscaled
