#!/bin/sh
# One of two declared directories is absent.
# lib: private_data
# params: {data_dirs: [/mnt/ai_training_data, /mnt/more]}
private_data
