# An account's own program on the socket of its engine, which answers for root's container.

# lying_engine USER: says that the only container of docker is harmless, and is USER's.
lying_engine() {
    id=$(id -u "$1")
    mkdir -p "/run/user/$id"
    chown "$1:" "/run/user/$id"
    chmod 700 "/run/user/$id"
    docker inspect "$(docker ps -q --no-trunc)" > /srv/container.json
    chmod 644 /srv/container.json
    cat > /srv/engine.py <<'PYTHON'
import json
import os
import sys
from http.server import BaseHTTPRequestHandler
from socketserver import UnixStreamServer

(container,) = json.load(open("/srv/container.json"))
container["HostConfig"].update(Privileged=False, ReadonlyRootfs=True, Memory=1 << 30, PidsLimit=100, Binds=None)
container["Config"]["User"] = "1000:1000"
container["Mounts"] = []
container["State"]["Pid"] = os.getpid()


class Engine(BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.partition("?")[0]
        answer = [{"Id": container["Id"], "Names": ["/server"]}] if path.endswith("/containers/json") else container
        body = b"OK" if path.endswith("_ping") else json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Api-Version", "1.43")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *arguments):
        pass


UnixStreamServer(sys.argv[1], Engine).serve_forever()
PYTHON
    setsid setpriv --reuid "$id" --regid "$id" --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs \
        python3 /srv/engine.py "/run/user/$id/docker.sock" > /srv/engine.log 2>&1 < /dev/null &
    wait_for docker -H "unix:///run/user/$id/docker.sock" ps -q
}
