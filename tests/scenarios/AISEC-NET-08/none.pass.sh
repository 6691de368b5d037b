#!/bin/sh
# A port forward to this host, a Gradio app that is not shared, and words that only look alike.
mkdir -p /srv/app
printf 'import gradio as gr\n# demo.launch(share=True)\ndemo.launch(share=False)\nax = plt.subplots(sharex=True)\n' > /srv/app/app.py
printf '[Service]\nExecStart=/usr/bin/ssh -N -L 8000:localhost:8000 -o ExitOnForwardFailure=yes db\n' > /etc/systemd/system/db.service
printf '# ngrok http 80\n0 3 * * * root /usr/bin/find /srv -size -1k\n' > /etc/cron.d/clean
