#!/bin/sh
# LiteLLM itself, told to do without a key.
# host: services
# lib: litellm
# wheels: litellm
# active: yes
litellm -E LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY=true
