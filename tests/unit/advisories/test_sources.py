import io
import json
import threading
import zipfile
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from pytest_aisec.advisories import index, sources
from pytest_aisec.errors import UsageProblem

NOW = datetime(2026, 11, 1, tzinfo=UTC)
RECORD = {
    "id": "PYSEC-1",
    "modified": "2026-10-30T12:00:00Z",
    "affected": [{"package": {"name": "torch", "ecosystem": "PyPI"}, "versions": ["1.0"]}],
}


def dump():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("PYSEC-1.json", json.dumps(RECORD))
    return stream.getvalue()


@pytest.fixture
def server(monkeypatch):
    """Serve `answers`: path → (status, headers, body)."""
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    answers = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, headers, body = answers[self.path]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    running = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield answers, f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()


def test_a_dump_is_downloaded(server, tmp_path):
    answers, url = server
    body = dump()
    answers["/all.zip"] = (200, {"Content-Length": str(len(body))}, body)
    said = []
    made = sources.update(f"{url}/all.zip", tmp_path / "i.sqlite", now=NOW, say=said.append)
    assert (1, [f"downloading {url}/all.zip"]) == (made.records, said)
    assert f"{url}/all.zip" == index.open_index(made.path).source


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((404, {}, b""), "HTTP 404"),
        ((200, {}, b"<html>"), "no readable zip file"),
        ((200, {"Content-Length": "100000"}, dump()), "broke off|bytes read|more expected"),
        ((302, {"Location": "http://example.com/all.zip"}, b""), "only taken over https"),
        ((302, {"Location": "file:///etc/passwd"}, b""), "only taken over https|not allowed"),
    ],
)
def test_what_does_not_come_as_a_dump_is_refused(server, tmp_path, answer, expected):
    answers, url = server
    answers["/all.zip"] = answer
    with pytest.raises(UsageProblem, match=expected):
        sources.update(f"{url}/all.zip", tmp_path / "i.sqlite", now=NOW)
    assert not (tmp_path / "i.sqlite").exists()


def test_a_download_without_end_is_given_up(server, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "MOST_DOWNLOADED", 100)
    answers, url = server
    answers["/all.zip"] = (200, {}, dump())
    with pytest.raises(UsageProblem, match="more than 100 bytes"):
        sources.update(f"{url}/all.zip", tmp_path / "i.sqlite", now=NOW)


@pytest.mark.parametrize(
    "url", ["http://example.com/all.zip", "ftp://example.com/a", "file:///tmp/a", "https://", "http://[x/"]
)
def test_only_https_is_asked(url, tmp_path):
    with pytest.raises(UsageProblem):
        sources.update(url, tmp_path / "i.sqlite", now=NOW)
