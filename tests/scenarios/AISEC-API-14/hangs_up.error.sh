#!/bin/sh
# What listens hangs up on HTTP and TLS: it may want the certificate of a client.
# host: services
# lib: stranger
# active: yes
# reason: unreachable
stranger ''
