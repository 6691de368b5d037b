#!/bin/sh
# A program that nobody knows lists a model, at another port than the one that is tried by default.
# host: services
# double: model
# active: yes
systemd-run -q --unit=double /opt/double/model.py --port 9000
wait_for listens 9000
