#!/bin/sh
# pip put it where Debian keeps its own: no package of Debian has it.
# advisories: advisories
# params: {db_max_age_days: 36500}
mkdir -p /usr/lib/python3/dist-packages/torch-2.1.0.dist-info /usr/lib/python3/dist-packages/numpy-1.24.2.egg-info
printf "%s\n" /. /usr/lib/python3/dist-packages/numpy-1.24.2.egg-info >/var/lib/dpkg/info/python3-numpy.list
