#!/bin/sh
# Somebody else owns the credentials.
set -e
H=$(getent passwd ai_user | cut -d: -f6)
mkdir -p "$H"
chown ai_user:ai_team "$H"
mkdir -p "$H/$(dirname .netrc)"
echo x >"$H/.netrc"
chmod 0600 "$H/.netrc"
chown operator "$H/.netrc"
