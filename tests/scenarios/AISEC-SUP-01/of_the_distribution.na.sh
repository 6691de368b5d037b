#!/bin/sh
# Debian mends its packages under their old numbers.
# host: services
# advisories: advisories
# params: {db_max_age_days: 36500}
rm -rf /opt/jupyter /opt/tensorboard # what the lab brings
mkdir -p /usr/lib/python3/dist-packages/torch-1.13.1.egg-info
printf "%s\n" /. /usr/lib/python3/dist-packages/torch-1.13.1.egg-info >/var/lib/dpkg/info/python3-torch.list
