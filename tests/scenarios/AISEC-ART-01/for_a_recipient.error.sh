#!/bin/sh
# Encrypted for a public key: the cipher is inside the encryption.
# host: services
# reason: unreadable
mkdir -p /srv/models
cd /srv/models
head -c 3000 /dev/urandom >model.pt
export GNUPGHOME=/root/gnupg
mkdir -m 700 $GNUPGHOME
gpg --batch --passphrase '' --quick-generate-key ops@example.com rsa2048 encr never
gpg --batch --trust-model always -r ops@example.com --encrypt model.pt
rm model.pt
gpgconf --kill all
rm -r $GNUPGHOME
