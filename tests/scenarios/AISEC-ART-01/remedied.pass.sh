#!/bin/sh
# What the remediation says, done to two files; the README stays readable.
# host: services
mkdir -p /srv/models/a
cd /srv/models/a
head -c 3000000 /dev/zero >weights.bin
head -c 3000 /dev/urandom >model.pt
echo '# Model card' >README.md
for file in weights.bin model.pt; do
    echo correct horse battery | gpg --batch --passphrase-fd 0 --pinentry-mode loopback --armor --symmetric --cipher-algo AES256 "$file"
    shred -u "$file"
done
