# TensorBoard, which hosts of the kind `services` have in /opt/tensorboard.

# tensorboard ARGUMENT…: starts it on port 6006, and waits until it answers.
tensorboard() {
    mkdir /var/empty
    systemd-run -q --unit=tb --uid=ai_user -E PYTHONPATH=/opt/tensorboard -E PYTHONDONTWRITEBYTECODE=1 \
        -E HOME=/home/ai_user /usr/bin/python3 -m tensorboard.main --logdir /var/empty --port 6006 "$@"
    wait_for answers http://127.0.0.1:6006/data/environment
}
