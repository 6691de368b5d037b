#!/bin/sh
# Ten million tokens are granted, and the double works on.
# host: services
# double: model
# params: {max_prompt_tokens: 4096, max_latency_s: 2}
# active: yes
/opt/double/start --unbounded tokens
