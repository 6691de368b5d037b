#!/bin/sh
# What starts the server writes its file first, in the same process; its engine is started after that.
# The model server is a double: what is judged are its arguments and environment.
# host: services
printf '#!/bin/sh\nsleep 1\necho max_model_len: 4096 > /etc/vllm.yaml\nexec python3 -B /opt/double/vllm "$@"\n' > /opt/double/entry
cat > /opt/double/vllm <<'P'
import subprocess
subprocess.Popen(["VLLM::EngineCore", "600"], executable="/bin/sleep").wait()
P
chmod 755 /opt/double/entry
systemd-run -q --unit=double /opt/double/entry serve tiny --config /etc/vllm.yaml
wait_for pgrep -f "^VLLM::"
