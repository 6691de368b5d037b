#!/bin/sh
# A group may read cloud credentials.
set -e
H=$(getent passwd ai_user | cut -d: -f6)
mkdir -p "$H"
chown ai_user:ai_team "$H"
mkdir -p "$H/$(dirname .aws/credentials)"
echo x >"$H/.aws/credentials"
chmod 0640 "$H/.aws/credentials"
chown ai_user:ai_team "$H/.aws/credentials"
