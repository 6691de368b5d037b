"""A WinRM endpoint on loopback that plays answers: what stands in for Windows, as none can be had here.

Real: HTTP(S), the NTLM handshake and message encryption (pyspnego's acceptor), and the shell protocol that
pywinrm speaks. Played: PowerShell. Nothing interprets the script that arrives; the player takes the questions
out of its text, looks up an answer for each and prints them in the script's own frame.

One module, however long: each part speaks to the others in pywinrm's protocol, which nothing else here knows.
"""

from __future__ import annotations

import base64
import json
import os
import re
import ssl
import struct
import threading
import time
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import spnego

USER, PASSWORD = "auditor", "P4ssw0rd-of-the-lab"
_BOUNDARY = b"--Encrypted Boundary"
_PROTOCOL = b"application/HTTP-SPNEGO-session-encrypted"
_SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
_NAMES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "f": "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault",
    "rsp": _SHELL,
}
_NOTHING_YET = 2150858793
_QUESTION = re.compile(
    r"^Ask (\d+) (?:'((?:[^']|'')*)'|\(\$utf8\.GetString\(\[Convert\]::FromBase64String\('([A-Za-z0-9+/=]*)'\)\)\))$",
    re.MULTILINE,
)
_MARK = re.compile(r"^\$mark='([0-9a-f]{16})'\+'([0-9a-f]{16})'$", re.MULTILINE)
_LIMITS = re.compile(r"^\$cap=(\d+)\n\$limit=(\d+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What PowerShell would say to one question."""

    stdout: str = ""
    stderr: str = ""
    exit_status: int = 0
    hangs: bool = False
    """It never ends, so that the script's own limit ends it."""
    breaks: bool = False
    """The connection breaks while it runs."""


DENIED = Answer(
    stderr="[PermissionDenied UnauthorizedAccessException 0x80070005] Zugriff verweigert (AccessDenied,Played)\n",
    exit_status=1,
)
MISSING = Answer(
    stderr="[ObjectNotFound CommandNotFoundException 0x80131501] not recognized (CommandNotFoundException)\n",
    exit_status=127,
)
Look = Callable[[str], Answer]


@dataclass
class _Command:
    line: str
    given: bytes = b""
    is_given: bool = False
    out: bytes = b""
    err: bytes = b""
    exit_status: int = 0
    breaks: bool = False
    quiet: int = 0
    """How many times to say "nothing yet" before the answer."""


@dataclass
class Player:
    """The endpoint. `questions` is what was asked, `open_shells` what is left behind."""

    look: Look
    mode: str = "FullLanguage"
    says: str = ""
    """What `cmd.exe` says instead of starting PowerShell."""
    piece: int = 4096
    """Bytes of output in one message."""
    quiet: int = 0
    refuses_shells: bool = False
    questions: list[str] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    log_ins: int = 0
    open_shells: dict[str, dict[str, _Command]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    """Questions that nobody foresaw an answer to; a test looks that there are none."""
    port: int = 0

    def play(self, command: _Command) -> None:
        """Fill in what `command` prints, once its input is complete."""
        if self.says:
            command.err, command.exit_status = self.says.encode(), 1
            return
        if self.mode != "FullLanguage":
            command.out, command.exit_status = f"aisec-language-mode {self.mode}\r\n".encode(), 3
            return
        script = command.given.decode("ascii")
        self.scripts.append(script)
        mark, limits = _MARK.search(script), _LIMITS.search(script)
        assert "$input" in command.line
        assert mark
        assert limits
        token, cap = mark[1] + mark[2], int(limits[1])
        for number, plain, encoded in _QUESTION.findall(script):
            question = base64.b64decode(encoded).decode() if encoded else plain.replace("''", "'")
            self.questions.append(question)
            command.out += f"{token}<{number}\r\n".encode()
            try:
                answer = self.look(question)
            except LookupError as error:
                self.problems.append(str(error))
                answer = MISSING
            if answer.breaks:
                command.breaks = True
                return
            if answer.hangs:
                command.out += f"{token}!{number}\r\n".encode()
                command.exit_status = -1 & 0xFFFFFFFF
                return
            packed = [
                base64.b64encode(text.encode()[: cap + 1]).decode() for text in (answer.stdout, answer.stderr)
            ]
            command.out += (
                f"{token}>{number} {answer.exit_status} {packed[0]} {packed[1]} {token}\r\n".encode()
            )

    def run(self, action: str, body: ET.Element) -> bytes | None:
        """Answer one message of the shell protocol; `None` for "nothing yet"."""
        if action.endswith("/transfer/Create"):
            shell = str(uuid.uuid4()).upper()
            self.open_shells[shell] = {}
            return f'<rsp:Shell><rsp:ShellId>{shell}</rsp:ShellId></rsp:Shell><w:SelectorSet><w:Selector Name="ShellId">{shell}</w:Selector></w:SelectorSet>'.encode()
        selector = body.find('.//w:Selector[@Name="ShellId"]', _NAMES)
        assert selector is not None
        commands = self.open_shells[str(selector.text)]
        if action.endswith("/transfer/Delete"):
            del self.open_shells[str(selector.text)]
            return b""
        if action.endswith("/shell/Command"):
            line = body.findtext(".//rsp:Command", "", _NAMES)
            self.lines.append(line)
            name = str(uuid.uuid4()).upper()
            commands[name] = _Command(line=line, quiet=self.quiet)
            return (
                f"<rsp:CommandResponse><rsp:CommandId>{name}</rsp:CommandId></rsp:CommandResponse>".encode()
            )
        if action.endswith("/shell/Send"):
            stream = body.find(".//rsp:Stream", _NAMES)
            assert stream is not None
            command = commands[stream.attrib["CommandId"]]
            command.given += base64.b64decode(stream.text or "")
            if stream.attrib.get("End") == "true":
                command.is_given = True
                self.play(command)
            return b"<rsp:SendResponse/>"
        if action.endswith("/shell/Receive"):
            wanted = body.find(".//rsp:DesiredStream", _NAMES)
            assert wanted is not None
            return self._output(wanted.attrib["CommandId"], commands[wanted.attrib["CommandId"]])
        if action.endswith("/shell/Signal"):
            signal = body.find(".//rsp:Signal", _NAMES)
            assert signal is not None
            commands.pop(signal.attrib["CommandId"], None)
            return b"<rsp:SignalResponse/>"
        raise AssertionError(action)

    def _output(self, name: str, command: _Command) -> bytes | None:
        if command.quiet:
            command.quiet -= 1
            time.sleep(0.05)
            return None
        if not command.out and command.breaks:
            raise ConnectionResetError
        piece, command.out = command.out[: self.piece], command.out[self.piece :]
        said, command.err = command.err, b""
        streams = "".join(
            f'<rsp:Stream Name="{kind}" CommandId="{name}">{base64.b64encode(data).decode()}</rsp:Stream>'
            for kind, data in (("stdout", piece), ("stderr", said))
        )
        if command.out or command.breaks:
            state = f'<rsp:CommandState CommandId="{name}" State="{_SHELL}/CommandState/Running"/>'
        else:
            state = f'<rsp:CommandState CommandId="{name}" State="{_SHELL}/CommandState/Done"><rsp:ExitCode>{command.exit_status}</rsp:ExitCode></rsp:CommandState>'
        return f"<rsp:ReceiveResponse>{streams}{state}</rsp:ReceiveResponse>".encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    player: Player

    def setup(self) -> None:
        super().setup()
        self.context: Any = None

    def log_message(self, *_args: object) -> None:
        pass

    def _reply(self, code: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _log_in(self) -> bool:
        """Go on with the NTLM handshake; tell whether it is complete."""
        if self.context is not None and self.context.complete:
            return True
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if scheme not in {"NTLM", "Negotiate"}:
            self._reply(401, WWW_Authenticate="Negotiate")
            return False
        self.context = self.context or spnego.server(
            protocol="ntlm" if scheme == "NTLM" else "negotiate", options=spnego.NegotiateOptions.use_ntlm
        )
        try:
            answer = self.context.step(base64.b64decode(token))
        except spnego.exceptions.SpnegoError:
            self.context = None
            self._reply(401, WWW_Authenticate="Negotiate")
            return False
        if not self.context.complete:
            self._reply(401, WWW_Authenticate=f"{scheme} {base64.b64encode(answer).decode()}")
            return False
        self.player.log_ins += 1
        return True

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self._log_in():
            return
        is_encrypted = _PROTOCOL.decode() in self.headers.get("Content-Type", "")
        if is_encrypted:
            data = self._decrypt(data)
        if not data:
            self._reply(200)
            return
        code, answer = 200, b""
        try:
            code, answer = self._answer(ET.fromstring(data))
        except ConnectionResetError:
            self.close_connection = True
            return
        if is_encrypted:
            kind = f'multipart/encrypted;protocol="{_PROTOCOL.decode()}";boundary="Encrypted Boundary"'
            self._reply(code, self._encrypt(answer), Content_Type=kind)
        else:
            self._reply(code, answer, Content_Type="application/soap+xml;charset=UTF-8")

    def _decrypt(self, data: bytes) -> bytes:
        part = data.split(_BOUNDARY + b"\r\n")[2].removesuffix(_BOUNDARY + b"--\r\n")
        part = part.removeprefix(b"\tContent-Type: application/octet-stream\r\n")
        (length,) = struct.unpack("<i", part[:4])
        return self.context.unwrap_winrm(part[4 : 4 + length], part[4 + length :])

    def _encrypt(self, data: bytes) -> bytes:
        sealed = self.context.wrap_winrm(data)
        length = str(len(data) + sealed.padding_length).encode()
        return b"".join(
            [
                _BOUNDARY + b"\r\n\tContent-Type: " + _PROTOCOL,
                b"\r\n\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=" + length + b"\r\n",
                _BOUNDARY + b"\r\n\tContent-Type: application/octet-stream\r\n",
                struct.pack("<i", len(sealed.header)) + sealed.header + sealed.data + _BOUNDARY + b"--\r\n",
            ]
        )

    def _answer(self, message: ET.Element) -> tuple[int, bytes]:
        action = message.findtext(".//a:Action", "", _NAMES)
        number = message.findtext(".//a:MessageID", "", _NAMES)
        if self.player.refuses_shells:
            return 500, _envelope("fault", number, _fault(5, "Access is denied."))
        body = self.player.run(action, message)
        if body is None:
            return 500, _envelope("fault", number, _fault(_NOTHING_YET, "nothing yet"))
        return 200, _envelope(action + "Response", number, body)


def _fault(code: int, text: str) -> bytes:
    return (
        "<s:Fault><s:Code><s:Value>s:Receiver</s:Value></s:Code>"
        f'<s:Reason><s:Text xml:lang="en-US">{text}</s:Text></s:Reason>'
        f'<s:Detail><f:WSManFault Code="{code}"/></s:Detail></s:Fault>'
    ).encode()


def _envelope(action: str, relates: str, body: bytes) -> bytes:
    names = " ".join(f'xmlns:{key}="{value}"' for key, value in _NAMES.items())
    head = (
        f"<s:Envelope {names}><s:Header><a:Action>{action}</a:Action>"
        f"<a:MessageID>uuid:{uuid.uuid4()}</a:MessageID><a:RelatesTo>{relates}</a:RelatesTo></s:Header><s:Body>"
    )
    return head.encode() + body + b"</s:Body></s:Envelope>"


class Endpoint:
    """A player behind a port, for the body of a `with`.

    Args:
        player: what answers.
        directory: for the list of users.
        certificate: file with certificate and key; `None` for plain HTTP.

    """

    def __init__(self, player: Player, directory: Path, certificate: Path | None = None) -> None:
        users = directory / "ntlm-users"
        users.write_text(f":{USER}:{PASSWORD}\n", encoding="utf-8")
        self._users = str(users)
        handler = type("Handler", (_Handler,), {"player": player})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        player.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        os.environ["NTLM_USER_FILE"] = self._users
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.environ.pop("NTLM_USER_FILE", None)
        self._server.shutdown()
        self._server.server_close()


def answers(table: dict[str, Any]) -> Look:
    """Return a look-up of answers by a part of the question; exactly one part has to fit.

    A value is text or JSON data (what is printed), `{"registry": {"KEY|name": value}}`, `{"error": line}` or
    `{"missing": true}`.
    """

    def look(question: str) -> Answer:
        fitting = [value for part, value in table.items() if part in question]
        if len(fitting) != 1:
            raise LookupError(f"{len(fitting)} answers to {question}")
        value = fitting[0]
        if isinstance(value, dict) and set(value) == {"error"}:
            return Answer(stderr=value["error"] + "\n", exit_status=1)
        if isinstance(value, dict) and set(value) == {"missing"}:
            return MISSING
        if isinstance(value, dict) and set(value) == {"registry"}:
            pairs = [(*item.split("|", 1), data) for item, data in value["registry"].items()]
            value = [dict(zip(("path", "name", "value"), row, strict=True)) for row in pairs]
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return Answer(stdout=text + "\n")

    return look
