#!/bin/sh
# Everybody, and Kerberos is only one of two ways.
# params: {require_sec: krb5}
mkdir -p /etc/exports.d
echo '/mnt/ai_training_data *(rw,sec=krb5:sys)' > /etc/exports.d/data.exports
