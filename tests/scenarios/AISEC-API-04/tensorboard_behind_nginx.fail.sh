#!/bin/sh
# A real TensorBoard on loopback, and a proxy that asks for nothing.
# host: services
# active: yes
proxy() { rm -f /etc/nginx/sites-enabled/default; cat > /etc/nginx/conf.d/api.conf; systemctl start nginx; }
mkdir /var/empty
systemd-run -q --unit=tb --uid=ai_user -E PYTHONPATH=/opt/tensorboard -E PYTHONDONTWRITEBYTECODE=1 -E HOME=/home/ai_user /usr/bin/python3 -m tensorboard.main --logdir /var/empty --port 6006 --host 127.0.0.1
until curl -s -o /dev/null http://127.0.0.1:6006/data/environment; do sleep 0.3; done
proxy <<C
server { listen 80; location / { proxy_pass http://127.0.0.1:6006; } }
C
