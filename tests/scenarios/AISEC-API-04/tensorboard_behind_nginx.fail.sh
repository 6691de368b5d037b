#!/bin/sh
# A real TensorBoard on loopback, and a proxy that asks for nothing.
# host: services
# lib: proxy tensorboard
# active: yes
tensorboard --host 127.0.0.1
proxy <<C
server { listen 80; location / { proxy_pass http://127.0.0.1:6006; } }
C
