#!/bin/sh
# A unit starts a script, and only the script says what it is.
mkdir -p /opt/share
printf '#!/bin/sh\ncd /opt/share\nexec /opt/share/bin/ngrok http 8000\n' > /opt/share/run.sh
printf '[Service]\nExecStart=/opt/share/run.sh\n' > /etc/systemd/system/share.service
