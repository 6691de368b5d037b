#!/bin/sh
# The cloud encrypts the volume, as the profile says.
# params: {encrypted_elsewhere: {/mnt/ai_training_data: ebs-kms}}
mkdir -p /mnt/ai_training_data
