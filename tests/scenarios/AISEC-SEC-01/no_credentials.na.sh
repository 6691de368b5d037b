#!/bin/sh
# No credential file.
rm -rf /root/.ssh/id_* /home/*/.ssh/id_* /root/.netrc
