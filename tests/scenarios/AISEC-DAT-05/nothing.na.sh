#!/bin/sh
# Nothing is exported; the file holds comments only.
echo '# /srv/homes hostname1(rw,sync)' > /etc/exports
