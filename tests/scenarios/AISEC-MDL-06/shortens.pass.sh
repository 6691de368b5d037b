#!/bin/sh
# A double that shortens what is too much.
# host: services
# double: model
# params: {max_prompt_tokens: 4096, max_answer_tokens: 4096, max_latency_s: 3}
# active: yes
/opt/double/start --clamps
