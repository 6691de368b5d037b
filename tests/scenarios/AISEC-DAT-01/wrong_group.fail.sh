#!/bin/sh
# The directory belongs to another group.
# lib: private_data
private_data
chgrp root /mnt/ai_training_data
