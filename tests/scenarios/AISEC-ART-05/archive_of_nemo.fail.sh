#!/bin/sh
# A tar archive with a pickle in it.
mkdir -p /srv/models
printf 'cposix\ngetcwd\n(tR.' >/tmp/model_weights.ckpt
tar -C /tmp -cf /srv/models/model.nemo model_weights.ckpt
rm /tmp/model_weights.ckpt
