#!/bin/sh
# What it says of its funnel has a form that is not known. Both programs are stand-ins.
# active: yes
# reason: parse
cp /bin/sleep /usr/local/bin/tailscaled
systemd-run -q /usr/local/bin/tailscaled 600
printf '#!/bin/sh\necho %s\n' "'{\"AllowFunnel\":{\"gpu-1.tail0.ts.net:443\":\"\"}}'" > /usr/local/bin/tailscale
chmod +x /usr/local/bin/tailscale
wait_for runs tailscaled
