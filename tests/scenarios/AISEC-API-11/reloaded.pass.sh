#!/bin/sh
# The limit is written down later, and nginx was reloaded: new workers serve.
# The model server is a double behind a real nginx.
# host: services
# lib: double proxy
ANSWERS='{"*": [200, "{}"]}'
double vllm 8000 serve tiny --host 127.0.0.1 --port 8000
proxy <<'C'
server { listen 80; location / { proxy_pass http://127.0.0.1:8000; } }
C
master=$(cat /run/nginx.pid)
wait_for pgrep -P "$master"
old=$(pgrep -o -P "$master")
# Workers that a reload starts at once look like those of the start.
settled() { test "$(ps -o etimes= -p "$master")" -ge 1; }
wait_for settled
cat > /etc/nginx/conf.d/api.conf <<'C'
limit_req_zone $binary_remote_addr zone=api:10m rate=10r/s;
server { listen 80; limit_req zone=api burst=20; limit_req_status 429; location / { proxy_pass http://127.0.0.1:8000; } }
C
systemctl reload nginx
ended() { ! test -e "/proc/$old"; }
wait_for ended
wait_for pgrep -P "$master"
