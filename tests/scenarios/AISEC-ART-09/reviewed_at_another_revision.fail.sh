#!/bin/sh
# The same model without the revision.
# params: {allow: [{model: org/m, revision: 0123456789abcdef0123456789abcdef01234567}]}
set -e
cat >/usr/local/bin/vllm <<'EOF'
#!/bin/sh
while :; do sleep 5; done
EOF
chmod 755 /usr/local/bin/vllm
systemd-run --quiet --unit=serving /usr/local/bin/vllm serve org/m --trust-remote-code
sleep 0.5
