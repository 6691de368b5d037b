#!/bin/sh
# A space before the parenthesis gives the options to everybody.
echo '/mnt/ai_training_data trainer-1.example (rw)' > /etc/exports
