#!/bin/sh
# In the file that the server was started with, outside of the usual directories.
set -e
cat >/usr/local/bin/vllm <<'EOF'
#!/bin/sh
while :; do sleep 5; done
EOF
chmod 755 /usr/local/bin/vllm
mkdir -p /var/lib/serving
printf 'model: m\ntrust-remote-code: true\n' >/var/lib/serving/serve.yaml
systemd-run --quiet --unit=serving --working-directory=/var/lib/serving /usr/local/bin/vllm serve --config serve.yaml
sleep 0.5
