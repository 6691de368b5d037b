# LiteLLM on a host with the wheels of `litellm`.

# litellm OPTION…: starts its proxy on port 4000, and waits until it answers; options are those of systemd-run.
litellm() {
    cat > /srv/litellm.yaml <<'C'
model_list:
  - model_name: tiny
    litellm_params: {model: openai/tiny, api_base: "http://127.0.0.1:9/v1", api_key: unused}
C
    systemd-run -q --unit=litellm --uid=ai_user -E PYTHONPATH=/opt/litellm -E PYTHONDONTWRITEBYTECODE=1 \
        -E HOME=/home/ai_user -E LITELLM_LOCAL_MODEL_COST_MAP=True "$@" \
        /usr/bin/python3 /opt/litellm/bin/litellm --config /srv/litellm.yaml --host 0.0.0.0 --port 4000
    WAIT=180
    wait_for answers http://127.0.0.1:4000/
}
