#!/bin/sh
# A unit that is not running now.
cat >/etc/systemd/system/serving.service <<'EOF'
[Service]
ExecStart=/usr/bin/vllm serve /srv/models/m \
    --trust-remote-code \
    --port 8000
EOF
