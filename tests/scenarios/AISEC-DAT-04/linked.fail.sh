#!/bin/sh
# The directory is a link to a volume that is not encrypted.
mount -t tmpfs none /srv; mkdir /srv/data; ln -s /srv/data /mnt/ai_training_data
