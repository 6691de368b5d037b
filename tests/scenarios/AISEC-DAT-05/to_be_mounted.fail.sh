#!/bin/sh
# Nothing is mounted now; fstab has a directory of another machine mounted on first use, with its set-user-id programs.
echo '# none' > /etc/exports
echo 'data.example.com:/srv/data /data nfs4 noauto,x-systemd.automount 0 0' >> /etc/fstab
