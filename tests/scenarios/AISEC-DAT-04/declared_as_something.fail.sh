#!/bin/sh
# What is declared is none of what is accepted.
# params: {encrypted_elsewhere: {/mnt/ai_training_data: trust-me}}
mkdir -p /mnt/ai_training_data; mount -t ramfs none /mnt/ai_training_data
