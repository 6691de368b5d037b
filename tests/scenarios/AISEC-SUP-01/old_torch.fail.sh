#!/bin/sh
# One environment of two has a version with a known hole.
# advisories: advisories
# params: {db_max_age_days: 36500}
d=/opt/app/lib/python3.11/site-packages
mkdir -p $d/torch-2.10.0.dist-info /home/ai_user/work/team/project/deep/.venv/lib/python3.12/site-packages/torch-2.5.1+cu124.dist-info
