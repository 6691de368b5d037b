#!/bin/sh
# What an unprivileged auditor sees from outside is enough to fail.
# lib: private_data
# as: auditor
private_data
chgrp root /mnt/ai_training_data
