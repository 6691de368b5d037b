#!/bin/sh
# What is created there later is open to everybody.
# lib: private_data
# remedy: {}
private_data
setfacl -d -m o::rx /mnt/ai_training_data
