#!/bin/sh
# More than is fetched of one file.
# reason: truncated
mkdir -p /srv/models
{ printf '\200\004\216\000\000\200\000\000\000\000\000'; head -c 8388608 /dev/zero; printf 'cposix\ngetcwd\n)R.'; } >/srv/models/big.pkl
