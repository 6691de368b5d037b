#!/bin/sh
# No credential file.
set -e
rm -rf /root/.ssh/id_* /home/*/.ssh/id_* /root/.netrc
