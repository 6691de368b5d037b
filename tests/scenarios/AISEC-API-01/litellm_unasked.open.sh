#!/bin/sh
# LiteLLM itself; which routes its key covers, only requests tell.
# host: services
# lib: litellm
# wheels: litellm
litellm -E LITELLM_MASTER_KEY=sk-Ahx3eiPh7oox
