"""Redaction takes credentials and nothing else: no line, argument or string of JSON ends elsewhere than before."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bench.redaction import ENCODINGS, ORDINARY, SHAPES, taken
from pytest_aisec.observe.redaction.families import FAMILIES
from pytest_aisec.observe.redaction.redact import MARK, redact

ENDS = re.compile("[\\n\\r\\0\\v\\f\\x1c-\\x1e\\x85\\u2028\\u2029]")
BODY = "MIIEpAIBAAKCAQEAaB3/" * 3
BEGIN, END = "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"
SECRET = "Hunter2Hunter2Hunter2Hunter2abc"

PIECES = st.lists(
    st.one_of(
        st.sampled_from([BEGIN, END, BODY, "abc=", "\n", "\0", "\r\n", " ", '"', "'", ",", "\\n", "\x85"]),
        st.sampled_from(
            ["password", "password=", "password='", "token", "wandb", "machine api.wandb.ai", "="]
        ),
        st.sampled_from(
            ["login", "$ANSIBLE_VAULT;1.1;AES256\n", "kind: Secret", "data:\n", "  key: value1234"]
        ),
        st.sampled_from(
            ["curl -u", "user:", "%0a", "\\u000a", "p\0a\0s\0s\0w\0o\0r\0d\0=\0", *SHAPES.values()]
        ),
        st.text(max_size=6),
    ),
    max_size=14,
)


@given(PIECES.map("".join))
def test_every_end_of_a_record_stays_in_its_order(text: str) -> None:
    assert ENDS.findall(text) == ENDS.findall(redact(text))


@given(PIECES.map("".join))
def test_redacting_what_was_redacted_changes_nothing(text: str) -> None:
    assert redact(text) == redact(redact(text))


@example([("-----BEGIN PRIVATE KEY-----", f"x\n{'MIIEpAIB' * 6}")])
@example([("-----BEGIN PRIVATE KEY-----", f"x\x01{'MIIEpAIB' * 6}")])
@example([("", "%0adb.example.com:5432:app:me:Hunter2Hunter2Hunter2Hunter2abc")])
@given(st.lists(st.tuples(PIECES.map("".join), PIECES.map("".join)), max_size=4))
def test_no_string_of_a_json_document_is_lost(pairs: list[tuple[str, str]]) -> None:
    document = [{"name": first, "value": second, "next": 1} for first, second in pairs]
    for text in (json.dumps(document), json.dumps(document, ensure_ascii=False, indent=1)):
        read = json.loads(redact(text), strict=False)
        assert [["name", "value", "next"]] * len(pairs) == [list(item) for item in read]


@pytest.mark.parametrize(
    "text",
    [
        f"1 {BEGIN}\n2 /usr/bin/sshd\n3 python serve.py --host 0.0.0.0",
        f"serve\0{BEGIN}\0/usr/sbin/nginx\0-g\0daemon off;",
        f"{BEGIN}\ntorch\nnumpy\nscipy",
        f"1 {BEGIN} nginx: worker process",
        "PermitRootLogin prohibit-password\n#UsePAM yes\nPasswordAuthentication no",
        "password\n/usr/bin/other --flag1",
        "machine api.wandb.ai\n/usr/sbin/sshd\n/usr/bin/python serve.py",
        "grep: /etc/pam.d/common-password: Permission denied",
        "%ops ALL=(ALL) NOPASSWD: /usr/bin/systemctl",
    ],
)
def test_what_only_begins_like_a_credential_takes_nothing_with_it(text: str) -> None:
    assert text == redact(text)


@pytest.mark.parametrize("around", ["{}", "  {}", "/etc/k.pem-12-{}", "Nov 28 10:00:00 gpu-1 app[1]: {}"])
@pytest.mark.parametrize(
    "lines", [[BEGIN, BODY, BODY, "abc=", END], [BEGIN, BODY, BODY], [BODY, "abc=", END]]
)
def test_a_key_is_taken_line_by_line_and_the_lines_around_it_stay(around: str, lines: list[str]) -> None:
    text = "\n".join(["before", *map(around.format, lines), "after that"])
    redacted = redact(text).split("\n")
    assert "before" == redacted[0]
    assert "after that" == redacted[-1]
    assert len(lines) == len(redacted) - 2
    assert all(map(MARK.search, redacted[1:-1]))
    assert "MII" not in "".join(redacted)


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_is_taken_as_it_is_and_encoded(name: str) -> None:
    assert [] == [encoding for encoding in ENCODINGS if not taken(name, encoding)]


APPLIED = {"apiVersion": "v1", "data": {"password": "c2VjcmV0aGVyZQ=="}, "kind": "Secret"}
WRITTEN = "apiVersion: v1\ndata:\n  password: c2VjcmV0aGVyZQ==\nkind: Secret\n"


@pytest.mark.parametrize("levels", range(4))
@pytest.mark.parametrize("text", [json.dumps(APPLIED), WRITTEN], ids=["JSON", "YAML"])
def test_a_secret_of_kubernetes_is_taken_out_of_an_annotation_of_whatever_depth(
    text: str, levels: int
) -> None:
    for _ in range(levels):
        text = json.dumps({"kind": "List", "items": [{"annotations": {"applied": text, "next": "kept"}}]})
    redacted = redact(text)
    assert "c2VjcmV0aGVyZQ" not in redacted
    for _ in range(levels):
        found = json.loads(redacted)["items"][0]["annotations"]
        assert found["next"] == "kept"
        redacted = found["applied"]
    assert redacted.count("«redacted:kubernetes-secret:4d9eceab»") == 1


@pytest.mark.parametrize("before", range(0, 120, 9))
@pytest.mark.parametrize("indent", ["", "    "])
def test_a_credential_across_the_lines_of_base64_leaves_no_half(before: int, indent: str) -> None:
    secret = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY12"
    data = (
        b"x" * before + f"\naws_secret_access_key = {secret}\nand so on for one more line of text\n".encode()
    )
    encoded = base64.b64encode(data).decode()
    lines = [indent + encoded[at : at + 76] for at in range(0, len(encoded), 76)]
    left = redact("\n".join(["head", *lines, "tail"])).split("\n")
    assert len(left) == len(lines) + 2
    assert [left[0], left[-1]] == ["head", "tail"]
    inside = encoded[(data.index(secret.encode()) + 3) * 4 // 3 : (data.index(secret.encode()) + 37) * 4 // 3]
    kept = "".join(part.strip() for part in left[1:-1])
    assert "«redacted:aws-secret-key:" in kept
    assert [] == [inside[at : at + 6] for at in range(len(inside) - 5) if inside[at : at + 6] in kept]


def test_ordinary_lines_stay() -> None:
    lines = ORDINARY.splitlines()
    changed = [line for line in lines if redact(line) != line]
    assert [] == changed


HOSTILE = [
    *(
        "password ",
        "password='",
        'password="',
        "docker login -p ",
        "curl -u ",
        "wandb login ",
        "ldapsearch -w ",
    ),
    *(
        "eyJaaaaaaaa-",
        "eyJaaaaaaaa.eyJ",
        "MIIaaaIBAA",
        f"{BEGIN}\n",
        f"{BEGIN}\n{BODY}\n",
        f"{BODY}\n",
        f"{END}",
    ),
    *(
        "$ANSIBLE_VAULT;1.1;AES256\n00\n",
        "kind: Secret\ndata:\n",
        '"kind":"Secret","data":{',
        "a\0",
        "%41",
        "://a:",
    ),
    *(
        "token",
        "secret = ",
        "cookie: a=",
        "<password>",
        "6f",
        "6f ",
        "aaaa-",
        "A" * 63 + "\n",
        "cGFzc3dvcmQ9" * 5 + "\n",
        "\\u0041",
        "\u200b",
    ),
    *(
        "mysql -u ",
        "[redacted:",
        "x" * 20 + ".",
        "AIza" + "0" * 35 + "pa-" + "a" * 43,
        "echo aaaaaa | sudo -",
    ),
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_four_times_the_text_takes_about_four_times_as_long(unit: str) -> None:
    assert growth(lambda size: unit * (size // len(unit)), 8 * 1024) < 10


def test_nor_does_any_shape_with_its_own_words() -> None:
    words = sorted({word for family in FAMILIES for word in family.words})
    assert len(words) > 200
    slow = [
        word for word in words if growth(lambda size, word=word: word * (size // len(word)), 2 * 1024) > 10
    ]
    assert [] == [
        word for word in slow if growth(lambda size, word=word: word * (size // len(word)), 8 * 1024) > 10
    ]


def growth(text: Callable[[int], str], size: int) -> float:
    """Return how many times as long four times the text takes."""

    def seconds(size: int) -> float:
        started = time.process_time()
        redact("x " + text(size) + f" {time.perf_counter_ns()}")
        return time.process_time() - started

    least = max(min(seconds(size) for _ in range(2)), 0.01)
    return seconds(4 * size) / least
