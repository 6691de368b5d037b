#!/bin/sh
# What listens answers HTTP and TLS with another protocol.
# host: services
# lib: stranger
# active: yes
stranger '-ERR unknown command
'
