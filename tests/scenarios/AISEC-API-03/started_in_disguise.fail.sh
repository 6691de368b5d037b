#!/bin/sh
# No argument says that it is a Jupyter; its answers do.
# host: services
# active: yes
systemd-run -q --unit=x --uid=ai_user -E PYTHONPATH=/opt/jupyter -E PYTHONDONTWRITEBYTECODE=1 -E HOME=/home/ai_user /usr/bin/python3 -c 'import sys; sys.argv = ["x", "--ServerApp.token=", "--no-browser", "--port=8888"]; from jupyter_server.serverapp import main; main()'
wait_for answers http://127.0.0.1:8888/api
