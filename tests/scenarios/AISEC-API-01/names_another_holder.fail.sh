#!/bin/sh
# A model without a key, in a process whose name says in the list of sockets that process 1 holds it, as sshd.
# The model server is a double that plays answers of vLLM.
# host: services
# lib: vllm
# active: yes
ln -s /usr/bin/python3 '/opt/sshd",pid=1'
systemd-run -q --unit=x --uid=ai_user -E PYTHONDONTWRITEBYTECODE=1 -E HOME=/home/ai_user "-EDOUBLE=$ANSWERS" \
    '/opt/sshd",pid=1' /opt/double/double.py --host 0.0.0.0 --port 8000
wait_for listens 8000
ss -tlnp | grep -F '("sshd",pid=1"'
