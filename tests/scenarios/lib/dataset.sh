# A dataset of sixty files in /mnt/ai_training_data, which is the working directory afterwards.

shards() {
    install -d -o ai_user -g ai_team -m 0700 /mnt/ai_training_data /mnt/ai_training_data/shards
    cd /mnt/ai_training_data
    for n in $(seq 0 59); do echo "text $n" > "shards/part $n.jsonl"; done
}

# dataset: the same with its manifest.
dataset() {
    shards
    find . -type f ! -name MANIFEST.sha256 -exec sha256sum {} + > MANIFEST.sha256
}
