#!/bin/sh
# What is exposed is seen without privileges too.
# as: auditor
set -e
H=$(getent passwd ai_user | cut -d: -f6)
mkdir -p "$H"
chown ai_user:ai_team "$H"
chmod 0755 "$H"
mkdir -p "$H/$(dirname .netrc)"
echo x >"$H/.netrc"
chmod 0644 "$H/.netrc"
chown ai_user:ai_team "$H/.netrc"
