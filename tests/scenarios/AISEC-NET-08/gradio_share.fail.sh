#!/bin/sh
# A Gradio app is shared, in a call over several lines.
mkdir -p /srv/app
printf 'import gradio as gr\ndemo.launch(\n    server_port=7860,\n    share = True,\n)\n' > /srv/app/app.py
