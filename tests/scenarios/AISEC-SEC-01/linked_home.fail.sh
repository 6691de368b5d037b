#!/bin/sh
# A home is a link to another file system.
mkdir -p /data/bob
ln -s /data/bob /home/bob
echo x >/data/bob/.netrc
chmod 0644 /data/bob/.netrc
