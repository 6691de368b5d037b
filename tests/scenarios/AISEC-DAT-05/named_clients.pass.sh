#!/bin/sh
# Networks and hosts by name, root squashed, and one directory that a backup host may read as root.
# params: {allow_no_root_squash: [/srv/backup]}
cat > /etc/exports <<'X'
# training data
/mnt/ai_training_data 10.77.0.0/16(rw,sync,no_subtree_check,root_squash) \
    trainer-1.example(ro)
"/srv/with space" -ro,sync 10.77.1.9 10.77.1.10(sec=krb5p)
/srv/backup 10.77.1.11(ro,no_root_squash)
X
