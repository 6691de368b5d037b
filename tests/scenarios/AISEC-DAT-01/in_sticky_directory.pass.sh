#!/bin/sh
# A sticky directory above lets only the owner rename.
# params: {data_dirs: [/var/tmp/data]}
install -d -o ai_user -g ai_team -m 0700 /var/tmp/data
