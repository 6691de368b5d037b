#!/bin/sh
# A content that nothing is known of.
# reason: unreadable
mkdir -p /srv/models
head -c 100 /dev/zero >/srv/models/model.pt
