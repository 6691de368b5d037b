#!/bin/sh
# It was looked at, and is another one now.
# params: {allow_sha256: [ad2598304a8af697d0c335a50a3e5a1ba06c82d9b63ef5f9d3e730b54cf9148a]}
mkdir -p /srv/models
printf '\200\002}q\001.' >/srv/models/a.pkl
