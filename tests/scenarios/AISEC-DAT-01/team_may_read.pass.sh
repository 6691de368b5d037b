#!/bin/sh
# Reading by the team, where the profile allows it.
# lib: private_data
# params: {dir_mode_max: "0750"}
private_data
chmod 0750 /mnt/ai_training_data
