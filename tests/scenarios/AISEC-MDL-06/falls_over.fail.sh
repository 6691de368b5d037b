#!/bin/sh
# The server answers with errors once it has been flooded.
# host: services
# double: model
# params: {max_prompt_tokens: 4096, max_answer_tokens: 4096, max_latency_s: 2}
# active: yes
/opt/double/start --fails-after 2
