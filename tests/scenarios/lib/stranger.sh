# A program that nobody knows, on port 9000 of a host of the kind `services`.

# stranger TEXT: answers whatever it is sent with this, and hangs up.
stranger() {
    cat > /opt/stranger.py <<'PYTHON'
import socket
import sys

with socket.create_server(("", 9000)) as door:
    while True:
        with door.accept()[0] as caller:
            caller.recv(65536)
            caller.sendall(sys.argv[1].encode())
PYTHON
    systemd-run -q --unit=stranger /usr/bin/python3 /opt/stranger.py "$1"
    wait_for listens 9000
}
