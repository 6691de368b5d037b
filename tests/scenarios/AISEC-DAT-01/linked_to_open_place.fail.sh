#!/bin/sh
# The declared path is a link to an open directory.
install -d -o ai_user -g ai_team -m 0755 /var/data
ln -s /var/data /mnt/ai_training_data
