#!/bin/sh
# Bound to every address, then bound as the remediation says; the daemon is a double.
# host: services
ln -s double.py /opt/double/ollama
cat > /etc/systemd/system/ollama.service <<U
[Service]
Environment=OLLAMA_HOST=0.0.0.0 DOUBLE_BIND=0.0.0.0:11434
ExecStart=/usr/bin/python3 -B /opt/double/ollama serve
User=ai_user
U
systemctl daemon-reload; systemctl start ollama
mkdir /etc/systemd/system/ollama.service.d; printf "[Service]\nEnvironment=OLLAMA_HOST=127.0.0.1 DOUBLE_BIND=127.0.0.1:11434\n" > /etc/systemd/system/ollama.service.d/override.conf
systemctl daemon-reload; systemctl restart ollama
wait_for answers http://127.0.0.1:11434/
