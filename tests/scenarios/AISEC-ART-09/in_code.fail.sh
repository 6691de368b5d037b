#!/bin/sh
# An application of one's own, behind a link.
mkdir -p /srv/app /home/ai_user/app
echo 'model = AutoModel.from_pretrained(name, trust_remote_code = True)' >/home/ai_user/app/serve.py
ln -s /home/ai_user/app/serve.py /srv/app/serve.py
