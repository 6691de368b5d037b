#!/bin/sh
# The option as its parser also takes it.
set -e
cat >/usr/local/bin/vllm <<'EOF'
#!/bin/sh
while :; do sleep 5; done
EOF
chmod 755 /usr/local/bin/vllm
systemd-run --quiet --unit=serving /usr/local/bin/vllm serve /srv/models/m --trust-rem
sleep 0.5
