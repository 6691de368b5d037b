# Training data that only their account can reach.
private_data() {
    install -d -o ai_user -g ai_team -m 0700 /mnt/ai_training_data
    echo text > /mnt/ai_training_data/train.jsonl
    chown ai_user:ai_team /mnt/ai_training_data/train.jsonl
    chmod 0640 /mnt/ai_training_data/train.jsonl
}
