#!/bin/sh
# A current Ollama (its program is played: it answers as the real one does without a server).
mkdir -p /usr/local/bin
cat >/usr/local/bin/ollama <<"EOF"
#!/bin/sh
test "$OLLAMA_HOST" = 127.0.0.1:1 || exit 3
echo "Warning: could not connect to a running Ollama instance"
echo "Warning: client version is 0.18.2"
EOF
chmod 755 /usr/local/bin/ollama
