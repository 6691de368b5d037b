#!/bin/sh
# Asked, it says that a port is published. Both programs are stand-ins.
# active: yes
cp /bin/sleep /usr/local/bin/tailscaled
systemd-run -q /usr/local/bin/tailscaled 600
printf '#!/bin/sh\necho %s\n' "'{\"TCP\":{\"443\":{\"HTTPS\":true}},\"AllowFunnel\":{\"gpu-1.tail0.ts.net:443\":true}}'" > /usr/local/bin/tailscale
chmod +x /usr/local/bin/tailscale
wait_for runs tailscaled
