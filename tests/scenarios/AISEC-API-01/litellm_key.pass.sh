#!/bin/sh
# LiteLLM itself asks for its key on every route, after it has read the body, and shows no pages.
# host: services
# wheels: litellm
# active: yes
litellm() { cat > /srv/litellm.yaml <<'C'
model_list:
  - model_name: tiny
    litellm_params: {model: openai/tiny, api_base: "http://127.0.0.1:9/v1", api_key: unused}
C
systemd-run -q --unit=litellm --uid=ai_user -E PYTHONPATH=/opt/litellm -E PYTHONDONTWRITEBYTECODE=1 -E HOME=/home/ai_user -E LITELLM_LOCAL_MODEL_COST_MAP=True "$@" /usr/bin/python3 /opt/litellm/bin/litellm --config /srv/litellm.yaml --host 0.0.0.0 --port 4000
n=0; until curl -s -o /dev/null http://127.0.0.1:4000/; do sleep 0.5; n=$((n+1)); [ $n -lt 360 ] || return 1; done; }
litellm -E LITELLM_MASTER_KEY=sk-Ahx3eiPh7oox -E NO_OPENAPI=True -E NO_DOCS=True -E NO_REDOC=True
