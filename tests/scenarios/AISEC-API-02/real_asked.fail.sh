#!/bin/sh
# Ray itself, and nothing in its environment is believed: asked, its jobs API answers everybody.
# host: services
# lib: ray
# wheels: ray
# active: yes
# params: {allow_networks: ["127.0.0.0/8", "::1/128", "0.0.0.0/0", "::/0"], require_token: false}
ray
