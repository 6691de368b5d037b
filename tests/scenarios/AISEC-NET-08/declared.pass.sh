#!/bin/sh
# A tunnel that is declared.
# host: services
# params: {allow: [cloudflared]}
printf '[Service]\nExecStart=/usr/bin/cloudflared tunnel run edge\n' > /etc/systemd/system/edge.service
