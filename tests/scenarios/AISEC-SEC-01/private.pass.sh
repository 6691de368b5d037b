#!/bin/sh
# Tokens that only their owners can read.
set -e
H=$(getent passwd ai_user | cut -d: -f6)
mkdir -p "$H"
chown ai_user:ai_team "$H"
mkdir -p "$H/$(dirname .cache/huggingface/token)"
echo x >"$H/.cache/huggingface/token"
chmod 0600 "$H/.cache/huggingface/token"
chown ai_user:ai_team "$H/.cache/huggingface/token"
mkdir -p "$H/$(dirname .netrc)"
echo x >"$H/.netrc"
chmod 0600 "$H/.netrc"
chown ai_user:ai_team "$H/.netrc"
mkdir -p "$H/$(dirname .ssh/id_ed25519)"
echo x >"$H/.ssh/id_ed25519"
chmod 0600 "$H/.ssh/id_ed25519"
chown ai_user:ai_team "$H/.ssh/id_ed25519"
mkdir -p "$H/$(dirname .ssh/id_ed25519.pub)"
echo x >"$H/.ssh/id_ed25519.pub"
chmod 0644 "$H/.ssh/id_ed25519.pub"
chown ai_user:ai_team "$H/.ssh/id_ed25519.pub"
