#!/bin/sh
# A model server runs, and there is no log. The server is a double.
# host: services
ln -s double.py /opt/double/vllm
systemd-run -q --unit=vllm /usr/bin/python3 /opt/double/vllm serve tiny --host 127.0.0.1 --port 8000
wait_for listens 8000
