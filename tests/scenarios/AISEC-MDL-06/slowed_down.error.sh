#!/bin/sh
# The server answers no more after the first prompt.
# host: services
# double: model
# params: {max_prompt_tokens: 4096, max_answer_tokens: 4096, max_latency_s: 2}
# active: yes
# reason: unreadable
/opt/double/start --limit 1
