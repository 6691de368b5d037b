# A model that only the serving account and its team can reach.
private_models() {
    install -d -o ai_user -g ai_team -m 0750 /srv/models
    echo weights > /srv/models/model.safetensors
    chown ai_user:ai_team /srv/models/model.safetensors
    chmod 0640 /srv/models/model.safetensors
}
