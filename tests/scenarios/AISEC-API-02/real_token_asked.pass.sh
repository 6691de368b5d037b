#!/bin/sh
# Ray itself finds a token in its home and asks for it from then on; asked without, it refuses.
# host: services
# wheels: ray
# active: yes
# params: {allow_networks: ["127.0.0.0/8", "::1/128", "10.77.0.0/16"]}
# It writes logs all the time: they lie outside of what an audit must not change.
mkdir -m 777 /tmp/ray && mount -t tmpfs -o mode=1777 ray /tmp/ray
ray() { systemd-run -q --unit=ray --uid=ai_user -E PYTHONPATH=/opt/ray -E PYTHONDONTWRITEBYTECODE=1 -E HOME=/home/ai_user "$@" /usr/bin/python3 /opt/ray/bin/ray start --head --block --num-cpus=1 --disable-usage-stats $HOW
n=0; until curl -s -o /dev/null http://127.0.0.1:8265/ && curl -s -o /dev/null http://127.0.0.1:52365/; do sleep 0.5; n=$((n+1)); [ $n -lt 360 ] || return 1; done; }
HOME=/home/ai_user PYTHONPATH=/opt/ray PYTHONDONTWRITEBYTECODE=1 setpriv --reuid=ai_user --regid=ai_user --clear-groups python3 /opt/ray/bin/ray get-auth-token --generate >/dev/null 2>&1
ray
