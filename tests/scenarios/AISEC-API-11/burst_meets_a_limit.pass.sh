#!/bin/sh
# Sixty requests at once: some wait, and most are turned away.
# The model server is a double behind a real nginx.
# host: services
# active: yes
double() { name=$1 port=$2; shift 2; ln -sf double.py "/opt/double/$name"
systemd-run -q --unit="double-$port" --uid=ai_user -E PYTHONDONTWRITEBYTECODE=1 -E HOME=/home/ai_user $SET "-EDOUBLE=$ANSWERS" /usr/bin/python3 "/opt/double/$name" "$@"
n=0; until curl -g -s -o /dev/null "http://127.0.0.1:$port/" || curl -g -s -o /dev/null "http://[::1]:$port/"; do sleep 0.1; n=$((n+1)); [ $n -lt 100 ] || return 1; done; }
proxy() { rm -f /etc/nginx/sites-enabled/default; cat > /etc/nginx/conf.d/api.conf; systemctl start nginx; }
ANSWERS='{"*": [200, "{}"]}'
double vllm 8000 serve tiny --host 127.0.0.1 --port 8000
proxy <<'C'
limit_req_zone $binary_remote_addr zone=api:10m rate=10r/s;
server { listen 80; limit_req zone=api burst=20; limit_req_status 429; location / { proxy_pass http://127.0.0.1:8000; } }
C
