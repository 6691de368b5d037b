#!/bin/sh
# A model server runs, and there is no log. It is a double that only listens.
# host: services
mkdir -p /opt/double && printf '#!/bin/sh\nexec sleep 1000\n' > /opt/double/vllm && chmod +x /opt/double/vllm
systemd-run -q --unit=vllm /opt/double/vllm serve tiny --host 127.0.0.1
sleep 0.5
