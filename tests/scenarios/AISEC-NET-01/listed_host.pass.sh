#!/bin/sh
# The same connection to a host that is declared by name, on a declared port.
# lib: outbound
# params: {allow_hosts: [models.example], allow_ports: [2222]}
echo '203.0.113.9 models.example' >> /etc/hosts
outbound
