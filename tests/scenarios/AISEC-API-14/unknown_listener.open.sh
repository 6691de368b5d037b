#!/bin/sh
# Something listens, and without requests nobody can tell whether it serves a model.
# host: services
# double: model
systemd-run -q --unit=double /opt/double/model.py --port 9000
wait_for listens 9000
