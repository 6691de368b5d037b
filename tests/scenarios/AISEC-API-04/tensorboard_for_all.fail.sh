#!/bin/sh
# A real TensorBoard, for everybody.
# host: services
mkdir /var/empty
systemd-run -q --unit=tb --uid=ai_user -E PYTHONPATH=/opt/tensorboard -E PYTHONDONTWRITEBYTECODE=1 -E HOME=/home/ai_user /usr/bin/python3 -m tensorboard.main --logdir /var/empty --port 6006 --bind_all
until curl -s -o /dev/null http://127.0.0.1:6006/data/environment; do sleep 0.3; done
