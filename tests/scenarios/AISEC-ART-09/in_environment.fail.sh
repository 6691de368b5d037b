#!/bin/sh
# The variable that some servers read.
set -e
cat >/usr/local/bin/vllm <<'EOF'
#!/bin/sh
while :; do sleep 5; done
EOF
chmod 755 /usr/local/bin/vllm
systemd-run --quiet --unit=serving --setenv=TRUST_REMOTE_CODE=true /usr/local/bin/vllm serve /srv/models/m
sleep 0.5
