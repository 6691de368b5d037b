#!/bin/sh
# A thousand choices are granted.
# host: services
# double: model
# params: {max_prompt_tokens: 4096, max_answer_tokens: 4096, max_latency_s: 2}
# active: yes
/opt/double/start --unbounded choices
