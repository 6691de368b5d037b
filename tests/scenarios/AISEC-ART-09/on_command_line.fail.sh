#!/bin/sh
# A server that trusts whatever comes with the model.
set -e
cat >/usr/local/bin/vllm <<'EOF'
#!/bin/sh
while :; do sleep 5; done
EOF
chmod 755 /usr/local/bin/vllm
systemd-run --quiet --unit=serving /usr/local/bin/vllm serve /srv/models/m --trust-remote-code --port 8000
sleep 0.5
