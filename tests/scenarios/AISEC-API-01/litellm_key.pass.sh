#!/bin/sh
# LiteLLM itself asks for its key on every route, after it has read the body, and shows no pages.
# host: services
# lib: litellm
# wheels: litellm
# active: yes
litellm -E LITELLM_MASTER_KEY=sk-Ahx3eiPh7oox -E NO_OPENAPI=True -E NO_DOCS=True -E NO_REDOC=True
