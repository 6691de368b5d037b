#!/bin/sh
# Sixty requests at once are all answered.
# The gateway is a double.
# host: services
# lib: double
# active: yes
sed -i 's/^class Server(.*/&\n    request_queue_size = 128/' /opt/double/double.py
ANSWERS='{"*": [200, "{}"]}'
double gateway 8080 --port 8080
