#!/bin/sh
# ssh forwards a port of some other machine to here, among combined options.
cp /bin/sleep /usr/local/bin/ssh
systemd-run -q bash -c 'exec -a /usr/bin/ssh sleep 600'
wait_for runs sleep
printf '[Unit]\n[Service]\nExecStart=-/usr/bin/ssh -fNR 80:localhost:8000 serveo.net\n' > /etc/systemd/system/share.service
