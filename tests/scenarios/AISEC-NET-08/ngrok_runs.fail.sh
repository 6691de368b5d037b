#!/bin/sh
# A tunnel runs. The program is a stand-in with its name.
cp /bin/sleep /usr/local/bin/ngrok
systemd-run -q /usr/local/bin/ngrok 600
wait_for runs ngrok
