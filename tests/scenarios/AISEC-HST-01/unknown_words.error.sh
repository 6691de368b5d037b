#!/bin/sh
# sshd was started before its configuration was spoiled, and would not start with it.
# reason: unreadable
printf 'Mat\377ch User ai_user\n' >> /etc/ssh/sshd_config
