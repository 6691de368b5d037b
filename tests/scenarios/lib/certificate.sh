# Certificates of an authority that nobody knows, in /etc/ssl.

# certificate NAME DAYS: api.pem and api.key for that name, for so long, by lab-ca.pem.
certificate() {
    name=$1 days=$2
    cd /etc/ssl
    openssl req -x509 -newkey rsa:2048 -nodes -keyout lab-ca.key -out lab-ca.pem -days 400 -subj "/CN=Lab CA" 2> /dev/null
    openssl req -newkey rsa:2048 -nodes -keyout api.key -out api.csr -subj "/CN=$name" 2> /dev/null
    printf "subjectAltName=DNS:%s\n" "$name" > api.ext
    openssl x509 -req -in api.csr -CA lab-ca.pem -CAkey lab-ca.key -CAcreateserial -days "$days" -extfile api.ext \
        -out api.pem 2> /dev/null
    cd /
}

# tls_proxy [DIRECTIVE]: nginx (library proxy) with it before port 8000; whoever comes without TLS is sent on.
tls_proxy() {
    proxy <<C
server { listen 80; listen [::]:80; server_name api.example.com; return 301 https://\$host\$request_uri; }
server { listen 443 ssl; server_name api.example.com; ssl_certificate /etc/ssl/api.pem; ssl_certificate_key /etc/ssl/api.key;
$1 location / { proxy_pass http://127.0.0.1:8000; } }
C
}
