#!/bin/sh
# Files that only root reads, and the environment of others.
# as: auditor
# reason: privilege
set -e
cat >/usr/local/bin/vllm <<'EOF'
#!/bin/sh
while :; do sleep 5; done
EOF
chmod 755 /usr/local/bin/vllm
systemd-run --quiet --unit=serving /usr/local/bin/vllm serve /srv/models/m
sleep 0.5
