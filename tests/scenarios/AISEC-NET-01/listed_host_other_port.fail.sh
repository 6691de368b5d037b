#!/bin/sh
# A declared host, on a port that is not declared.
# lib: outbound
# params: {allow_hosts: [models.example], allow_ports: [443]}
echo '203.0.113.9 models.example' >> /etc/hosts
outbound
