#!/bin/sh
# Something that is not known speaks nothing newer than TLS 1.0: the test server of OpenSSL.
# host: services
# params: {ca_file: /etc/ssl/lab-ca.pem}
# active: yes
certificate() { name=$1 days=$2; cd /etc/ssl
openssl req -x509 -newkey rsa:2048 -nodes -keyout lab-ca.key -out lab-ca.pem -days 400 -subj "/CN=Lab CA" 2>/dev/null
openssl req -newkey rsa:2048 -nodes -keyout api.key -out api.csr -subj "/CN=$name" 2>/dev/null
printf "subjectAltName=DNS:%s\n" "$name" > api.ext
openssl x509 -req -in api.csr -CA lab-ca.pem -CAkey lab-ca.key -CAcreateserial -days "$days" -extfile api.ext -out api.pem 2>/dev/null; cd /; }
certificate api.example.com 90
systemd-run -q --unit=old openssl s_server -accept 8443 -cert /etc/ssl/api.pem -key /etc/ssl/api.key -tls1 -cipher ALL:@SECLEVEL=0 -www
sleep 1
