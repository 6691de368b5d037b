#!/bin/sh
# Something that is not known speaks nothing newer than TLS 1.0: the test server of OpenSSL.
# host: services
# lib: certificate
# params: {ca_file: /etc/ssl/lab-ca.pem}
# active: yes
certificate api.example.com 90
systemd-run -q --unit=old openssl s_server -accept 8443 -cert /etc/ssl/api.pem -key /etc/ssl/api.key -tls1 -cipher ALL:@SECLEVEL=0 -www
wait_for listens 8443
