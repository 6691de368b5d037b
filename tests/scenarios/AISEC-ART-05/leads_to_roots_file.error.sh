#!/bin/sh
# A link of an account's leads to a file that root alone may read; it is not opened for that account.
# reason: privilege
id ai_user > /dev/null 2>&1 || useradd -M ai_user
mkdir -p /srv/models
printf '\200\002}q\000.' > /root/private.pkl
chmod 600 /root/private.pkl
printf '\200\002}q\000.' > /srv/models/own.pkl
ln -s /root/private.pkl /srv/models/x.pkl
chown -R -h ai_user: /srv/models
