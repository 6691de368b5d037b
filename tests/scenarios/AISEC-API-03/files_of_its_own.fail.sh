#!/bin/sh
# It shares the host's network and has a root directory of its own, as in a container: there its token is empty.
# host: services
mkdir -p /srv/c && mount -t tmpfs root /srv/c && cd /srv/c
mkdir -p usr opt proc dev tmp home/ai_user etc/jupyter && chown ai_user home/ai_user && chmod 1777 tmp
ln -s usr/bin bin; ln -s usr/lib lib; ln -s usr/lib64 lib64
for place in usr opt proc dev; do mount --rbind /$place $place; done
cp /etc/passwd /etc/group /etc/hosts etc/
echo '{"IdentityProvider": {"token": ""}}' > etc/jupyter/jupyter_server_config.json
systemd-run -q --unit=jupyter -E PYTHONPATH=/opt/jupyter -E PYTHONDONTWRITEBYTECODE=1 -E HOME=/home/ai_user \
    chroot --userspec=ai_user /srv/c /usr/bin/python3 -m jupyter_server --port=8888 --no-browser
wait_for answers http://127.0.0.1:8888/api
