"""Credentials never enter a transcript: known shapes are replaced by a mark as an answer comes in.

A mark is `«redacted:kind:8-hex-of-sha256»`: equal credentials give equal marks, and the controls that look
for leaked credentials look for marks.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

MARK = re.compile(r"«redacted:(?P<kind>[a-z0-9-]+):(?P<digest>[0-9a-f]{8})»")

_NAMED = r"(?i)(?:^|(?<=[\s;&\"'{,(?\x00:]))(?:--?)?(?:[a-z0-9_.-]{0,40}[_.-])?"
"""What stands before the name of a setting, in a file, a URL or the arguments of a process."""
_NEXT = r"\x00(?:/proc/\d+/cmdline:(?=[^-\s])|(?!/proc/\d+/cmdline:)(?=[^-\s]))"
"""What stands between an argument and the next, as the kernel or grep prints them."""

_SHAPES: tuple[tuple[str, str, str], ...] = (
    # kind; words of which one is in every match, in lower case: without them nobody searches any further;
    # pattern, whose group `s` is the credential where there is one, otherwise the whole match.
    (
        "private-key",
        "private",
        (
            r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?"
            r"(?:-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|\Z)"
        ),
    ),
    ("aws-access-key", "akia asia", r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    (
        "aws-secret-key",
        "aws",
        r"(?i)aws_?(?:secret_?access_?key|session_?token)[\"']?\s*[=:]\s*[\"']?(?P<s>[A-Za-z0-9/+=]{20,})",
    ),
    ("google-api-key", "aiza", r"\bAIza[0-9A-Za-z_-]{35}"),
    ("google-oauth", "ya29. gocspx-", r"\b(?:ya29\.[0-9A-Za-z_.-]{20,}|GOCSPX-[0-9A-Za-z_-]{28})"),
    ("huggingface", "hf_ api_org_", r"\b(?:hf_|api_org_)[A-Za-z0-9]{30,}"),
    ("anthropic", "sk-ant-", r"\bsk-ant-[A-Za-z0-9_-]{20,}"),
    ("openai", "sk-", r"\bsk-(?!ant-)(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,}"),
    ("nvidia", "nvapi-", r"\bnvapi-[A-Za-z0-9_-]{40,}"),
    ("replicate", "r8_", r"\br8_[A-Za-z0-9]{30,}"),
    ("groq", "gsk_", r"\bgsk_[A-Za-z0-9]{40,}"),
    (
        "github",
        "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})",
    ),
    (
        "gitlab",
        "glpat- glptt- gldt- glrt- glcbt- glsoat-",
        r"\bgl(?:pat|ptt|dt|rt|cbt|soat)-[A-Za-z0-9_-]{20,}",
    ),
    ("pypi", "pypi-", r"\bpypi-[A-Za-z0-9_-]{50,}"),
    ("npm", "npm_", r"\bnpm_[A-Za-z0-9]{36}\b"),
    (
        "slack",
        "xox hooks.slack.com",
        r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}|https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9+/]{20,}",
    ),
    ("stripe", "_live_ _test_", r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{20,}"),
    (
        "wandb",
        "wandb",
        (
            r"(?i)(?:wandb_api_key|machine api\.wandb\.ai[\s\S]{0,80}?password)[\"']?\s*[=: ]\s*[\"']?"
            r"(?P<s>[0-9a-f]{40})\b"
        ),
    ),
    ("jwt", "eyj", r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
    (
        "basic-auth",
        "authorization",
        r"(?i)authorization[\"']?\s*[:=]\s*[\"']?basic\s+(?P<s>[A-Za-z0-9+/]{8,}={0,2})",
    ),
    ("bearer", "bearer", r"(?i)\bbearer\s+(?P<s>[A-Za-z0-9_.~+/-]{20,}=*)"),
    ("url-password", "://", r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s/:@\"'<>]*:(?P<s>[^\s/@\"'<>«»]{1,256})@"),
    (
        "password",
        "passw passphrase key token secret",
        (
            _NAMED + r"(?:password|passwd|passphrase|api[_-]?key|secret[_-]?key|auth[_-]?token"
            r"|access[_-]?token|client[_-]?secret)[\"']?"
            rf"\s*(?:=|:\s|\s(?=[^-\s])|{_NEXT})\s*[\"']?(?P<s>[^\s\"'«»,;&\x00]{{6,256}})"
        ),
    ),
    (
        "token",
        "token secret",
        (
            _NAMED + r"(?:token|secret)[\"']?"
            rf"(?:\s*(?:=|:\s)\s*|(?:(?<=--token)|(?<=--secret))(?:\s(?=[^-\s])|{_NEXT}))[\"']?"
            r"(?P<s>[A-Za-z0-9_./+=~-]{8,256})(?=[\s\"'«»,;&\x00)\]}]|\Z)"
        ),
    ),
    ("password-hash", "$", r"\$(?:1|2[aby]|5|6|7|y|gy|argon2id?)\$[^\s:«»]{12,}"),
)

_PATTERNS: tuple[tuple[str, tuple[str, ...], re.Pattern[str]], ...] = tuple(
    (kind, tuple(words.split()), re.compile(shape, re.MULTILINE)) for kind, words, shape in _SHAPES
)

_HARMLESS = re.compile(
    r"(?i)[x*.<>$_{}()\[\]-]+|no|yes|true|false|none|null|prohibit-password|without-password|required|sufficient"
)
"""What stands where a password could stand in configuration files, and is none."""

_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
"""What stands there in a program: `config.token`."""


def mark(kind: str, secret: str) -> str:
    """Return the mark that stands for `secret`."""
    return f"«redacted:{kind}:{hashlib.sha256(secret.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}»"


def redact(text: str) -> str:
    """Return `text` with every known shape of a credential replaced by its mark.

    Redacting twice gives the same text as redacting once.
    """
    return _redact_once(text) if len(text) < _SHORT else _redact(text)


_SHORT = 16 * 1024
"""Characters of a text that may come again, such as a command."""


@lru_cache(maxsize=1024)
def _redact_once(text: str) -> str:
    return _redact(text)


def _redact(text: str) -> str:
    if text.isascii():  # only there is a letter of either case the same letter in lower case
        lower = text.lower()
        shapes = [item for item in _PATTERNS if any(word in lower for word in item[1])]
    else:
        shapes = [*_PATTERNS]
    before = None
    while text != before:  # a mark ends a word, so that one more credential may begin after it
        before = text
        for kind, _, pattern in shapes:
            text = pattern.sub(lambda match, kind=kind: _replace(kind, match), text)  # type: ignore[misc]
    return text


def redact_bytes(data: bytes) -> bytes:
    """Return `data` redacted; bytes that are not UTF-8 pass unchanged."""
    if not data:
        return data
    text = data.decode("utf-8", "surrogateescape")
    redacted = _redact(text)
    return data if redacted == text else redacted.encode("utf-8", "surrogateescape")


def _replace(kind: str, match: re.Match[str]) -> str:
    whole = match.group(0)
    if "s" not in match.re.groupindex:
        return mark(kind, whole)
    secret = match.group("s")
    if kind in {"password", "token"} and _HARMLESS.fullmatch(secret):
        return whole
    if kind == "token" and _NAME.fullmatch(secret):
        return whole
    start, end = match.span("s")
    return whole[: start - match.start()] + mark(kind, secret) + whole[end - match.start() :]
