#!/bin/sh
# Where a daemon in a network namespace of its own can be reached does not show. The daemon is a double.
# host: services
# reason: unreadable
ln -s double.py /opt/double/ollama
systemd-run -q --unit=ollama -p PrivateNetwork=yes /usr/bin/python3 -B /opt/double/ollama serve --port 11434
wait_for listens 11434 "$(systemctl show -P MainPID ollama)"
