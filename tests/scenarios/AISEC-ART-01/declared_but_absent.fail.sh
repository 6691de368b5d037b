#!/bin/sh
# params: {vault_dirs: [/srv/modles]}
mkdir -p /srv/models
