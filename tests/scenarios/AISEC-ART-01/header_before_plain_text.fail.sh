#!/bin/sh
# The packet of an AES-256 message, and after it nothing encrypted.
mkdir -p /srv/models
{
    printf '\214\015\004\011\003\010saltsalt\377\322\355\001'
    yes 0.25 0.125 | head -c 200000
} >/srv/models/model.pth.gpg
