#!/bin/sh
# A link of an account's leads to a pickle elsewhere that the account may read, and that runs something.
id ai_user > /dev/null 2>&1 || useradd -M ai_user
mkdir -p /srv/models /srv/elsewhere
printf '\200\002cposix\nsystem\nX\004\000\000\000true\205R.' > /srv/elsewhere/a.pkl
ln -s /srv/elsewhere /srv/models/more
chown -R -h ai_user: /srv/models
