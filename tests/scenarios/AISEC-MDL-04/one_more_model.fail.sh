#!/bin/sh
# An adapter that nobody approved is served as well.
# host: services
# double: model
# params: {baseline: "{here}/golden.baseline"}
# active: yes
/opt/double/start --also-list double-1-lora
