#!/bin/sh
# The handshakes say the same.
# The model server is a double behind a real nginx.
# host: services
# params: {ca_file: /etc/ssl/lab-ca.pem}
# active: yes
double() { name=$1 port=$2; shift 2; ln -sf double.py "/opt/double/$name"
systemd-run -q --unit="double-$port" --uid=ai_user -E PYTHONDONTWRITEBYTECODE=1 -E HOME=/home/ai_user $SET "-EDOUBLE=$ANSWERS" /usr/bin/python3 "/opt/double/$name" "$@"
n=0; until curl -g -s -o /dev/null "http://127.0.0.1:$port/" || curl -g -s -o /dev/null "http://[::1]:$port/"; do sleep 0.1; n=$((n+1)); [ $n -lt 100 ] || return 1; done; }
proxy() { rm -f /etc/nginx/sites-enabled/default; cat > /etc/nginx/conf.d/api.conf; systemctl start nginx; }
certificate() { name=$1 days=$2; cd /etc/ssl
openssl req -x509 -newkey rsa:2048 -nodes -keyout lab-ca.key -out lab-ca.pem -days 400 -subj "/CN=Lab CA" 2>/dev/null
openssl req -newkey rsa:2048 -nodes -keyout api.key -out api.csr -subj "/CN=$name" 2>/dev/null
printf "subjectAltName=DNS:%s\n" "$name" > api.ext
openssl x509 -req -in api.csr -CA lab-ca.pem -CAkey lab-ca.key -CAcreateserial -days "$days" -extfile api.ext -out api.pem 2>/dev/null; cd /; }
ANSWERS='{"GET /v1/models": [200, "{}"]}'
double vllm 8000 serve tiny --host 127.0.0.1 --port 8000
certificate api.example.com 90
proxy <<'C'
server { listen 80; listen [::]:80; server_name api.example.com; return 301 https://$host$request_uri; }
server { listen 443 ssl; server_name api.example.com; ssl_certificate /etc/ssl/api.pem; ssl_certificate_key /etc/ssl/api.key;
ssl_protocols TLSv1.2 TLSv1.3; location / { proxy_pass http://127.0.0.1:8000; } }
C
