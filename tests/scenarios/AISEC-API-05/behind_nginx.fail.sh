#!/bin/sh
# The proxy lets everybody through.
# The daemon is a double that plays Ollama's answers.
# host: services
# active: yes
double() { name=$1 port=$2; shift 2; ln -sf double.py "/opt/double/$name"
systemd-run -q --unit="double-$port" --uid=ai_user -E PYTHONDONTWRITEBYTECODE=1 -E HOME=/home/ai_user $SET "-EDOUBLE=$ANSWERS" /usr/bin/python3 "/opt/double/$name" "$@"
n=0; until curl -g -s -o /dev/null "http://127.0.0.1:$port/" || curl -g -s -o /dev/null "http://[::1]:$port/"; do sleep 0.1; n=$((n+1)); [ $n -lt 100 ] || return 1; done; }
proxy() { rm -f /etc/nginx/sites-enabled/default; cat > /etc/nginx/conf.d/api.conf; systemctl start nginx; }
ANSWERS='{"GET /api/tags": [200, "{\"models\": []}"]}'
double ollama 11434 serve --host 127.0.0.1 --port 11434
proxy <<C
server { listen 80; location / { proxy_pass http://127.0.0.1:11434; } }
C
