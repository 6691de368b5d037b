#!/bin/sh
# The first is closed. The second has its empty token in a configuration file of its user, though /etc sets one.
# host: services
jupyter() { user=$1 port=$2; shift 2
systemd-run -q --unit="jupyter-$port" --uid="$user" -E PYTHONPATH=/opt/jupyter -E PYTHONDONTWRITEBYTECODE=1 -E HOME="$(getent passwd "$user" | cut -d: -f6)" \
    /usr/bin/python3 -m jupyter_server --port="$port" --no-browser "$@"
until curl -g -s -o /dev/null "http://127.0.0.1:$port/api" || curl -g -s -o /dev/null "http://[::1]:$port/api"; do sleep 0.2; done; }
jupyter ai_user 8888
mkdir -p /etc/jupyter /home/operator/.jupyter
echo '{"IdentityProvider": {"token": "abcdefabcdef"}}' > /etc/jupyter/jupyter_server_config.json
echo "c = get_config()
c.IdentityProvider.token = ''" > /home/operator/.jupyter/jupyter_server_config.py
jupyter operator 8889
