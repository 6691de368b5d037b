#!/bin/sh
# A program that nobody knows answers as servers of models do, and there is no log.
# host: services
# double: model
# active: yes
systemd-run -q --unit=double /opt/double/model.py --port 9000
wait_for listens 9000
