#!/bin/sh
# The same where its destination is declared.
# params: {allow_cidrs: [10.0.0.0/8, 203.0.113.0/24]}
# host: services
# lib: outbound
container_outbound
