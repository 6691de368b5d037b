#!/bin/sh
# Ollama before the end of CVE-2026-7482; its program is played.
cat >/usr/local/bin/ollama <<"EOF"
#!/bin/sh
echo "Warning: could not connect to a running Ollama instance"
echo "Warning: client version is 0.12.3"
EOF
chmod 755 /usr/local/bin/ollama
