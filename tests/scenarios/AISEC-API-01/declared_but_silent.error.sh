#!/bin/sh
# A declared address where nobody listens.
# host: services
# active: yes
# reason: unreadable
# params: {base_urls: ["http://127.0.0.1:8000"]}
true
