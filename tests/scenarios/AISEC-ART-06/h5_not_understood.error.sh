#!/bin/sh
# A file that begins as HDF5 and goes on as nothing that is read.
# reason: parse
mkdir -p /srv/models
{ printf '\211HDF\r\n\032\n\011'; head -c 2000 /dev/zero; } >/srv/models/a.h5
