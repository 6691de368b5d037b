"""Credentials to plant where a host, a profile or a command line may show them, and a search for them."""

from __future__ import annotations

import base64
import gzip
import html
import json
import random
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

DIGITS, HEX = string.digits, "0123456789abcdef"
UPPER, LOWER = string.ascii_uppercase, string.ascii_lowercase
ALNUM = string.ascii_letters + DIGITS
WORD = ALNUM + "_-"
BASE64 = ALNUM + "+/"
BASE32 = UPPER + "234567"

SPECS: dict[str, tuple[str, str, int]] = {
    # name: (what is planted, with {} for the secret part; its letters; how many)
    "aws access key": ("AKIA{}", BASE32, 16),
    "aws temporary key": ("ASIA{}", BASE32, 16),
    "aws secret key": ("aws_secret_access_key = {}", BASE64, 40),
    "aws secret key in JSON": ('{{"SecretAccessKey":"{}"}}', BASE64, 40),
    "aws session token": ("AWS_SESSION_TOKEN={}", BASE64, 200),
    "google api key": ("AIza{}", WORD, 35),
    "google oauth": ("ya29.{}", WORD, 60),
    "google client secret": ("GOCSPX-{}", WORD, 28),
    "azure storage key": ("AccountName=a;AccountKey={}==;EndpointSuffix=core.windows.net", ALNUM, 86),
    "azure client secret": ("abc8Q~{}", ALNUM, 34),
    "azure sas": ("https://a.blob.core.windows.net/c?sv=2024&sig={}%3D&se=2026", ALNUM, 43),
    "hugging face": ("hf_{}", ALNUM, 34),
    "openai": ("sk-{}", ALNUM, 48),
    "openai project": ("sk-proj-{}", WORD, 120),
    "openrouter": ("sk-or-v1-{}", HEX, 64),
    "anthropic": ("sk-ant-api03-{}", WORD, 93),
    "cohere": ("COHERE_API_KEY={}", ALNUM, 40),
    "cohere short": ("CO_API_KEY={}", ALNUM, 40),
    "replicate": ("r8_{}", ALNUM, 37),
    "groq": ("gsk_{}", ALNUM, 52),
    "nvidia": ("nvapi-{}", WORD, 64),
    "ngc": ("apikey = {}", ALNUM, 84),
    "mistral": ("MISTRAL_API_KEY={}", ALNUM, 32),
    "perplexity": ("pplx-{}", ALNUM, 48),
    "together": ("tgp_v1_{}", WORD, 43),
    "xai": ("xai-{}", ALNUM, 80),
    "langsmith": ("lsv2_pt_{}_0123456789", HEX, 32),
    "kaggle": ('{{"username":"me","key":"{}"}}', HEX, 32),
    "github": ("ghp_{}", ALNUM, 36),
    "github fine-grained": ("github_pat_{}", ALNUM + "_", 82),
    "gitlab": ("glpat-{}", ALNUM, 20),
    "bitbucket": ("ATBB{}", ALNUM, 32),
    "atlassian": ("ATATT3{}", WORD, 180),
    "npm": ("npm_{}", ALNUM, 36),
    "pypi": ("pypi-AgEIcHlwaS5vcmc{}", WORD, 120),
    "docker hub": ("dckr_pat_{}", WORD, 27),
    "docker config": ('{{"auths":{{"registry.example.com":{{"auth":"{}"}}}}}}', ALNUM, 40),
    "slack": ("xoxb-{}", ALNUM, 40),
    "slack app": ("xapp-1-{}", ALNUM, 60),
    "slack webhook": ("https://hooks.slack.com/services/{}", UPPER + DIGITS, 44),
    "discord webhook": ("https://discord.com/api/webhooks/1234567890/{}", WORD, 68),
    "discord bot": ("MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcdE.{}", WORD, 38),
    "telegram": ("123456789:AA{}", WORD, 33),
    "wandb": ("WANDB_API_KEY={}", HEX, 40),
    "wandb login": ("wandb login {}", HEX, 40),
    "wandb netrc": ("machine api.wandb.ai\n  login user\n  password {}", HEX, 40),
    "comet": ("COMET_API_KEY={}", ALNUM, 25),
    "neptune": ("NEPTUNE_API_TOKEN=eyJhcGlfYWRkcmVzcyI6{}", ALNUM, 120),
    "mlflow": ("MLFLOW_TRACKING_TOKEN={}", ALNUM, 40),
    "mlflow password": ("MLFLOW_TRACKING_PASSWORD={}", ALNUM, 16),
    "stripe": ("sk_live_{}", ALNUM, 24),
    "vault": ("hvs.{}", WORD, 90),
    "databricks": ("dapi{}", HEX, 32),
    "jwt": ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.{}", ALNUM, 43),
    "private key": ("-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----", ALNUM, 64),
    "private key in JSON": (
        '{{"private_key": "-----BEGIN PRIVATE KEY-----\\n{}\\n-----END PRIVATE KEY-----\\n"}}',
        ALNUM,
        64,
    ),
    "private key in base64": ("client-key-data: LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVkt{}", ALNUM, 64),
    "body of a private key": ("b3BlbnNzaC1rZXktdjE{}", ALNUM, 51),
    "age": ("AGE-SECRET-KEY-1{}", UPPER + DIGITS, 58),
    "basic auth": ("Authorization: Basic {}", ALNUM, 24),
    "basic auth of nginx": ('proxy_set_header Authorization "Basic {}";', ALNUM, 24),
    "bearer": ("authorization: Bearer {}", ALNUM, 24),
    "authorization token": ("curl -H 'Authorization: token {}'", ALNUM, 24),
    "url": ("https://user:{}@pypi.example.com/simple", ALNUM, 14),
    "url with an at sign": ("redis://:x@{}@cache.example.com:6379/0", ALNUM, 14),
    "environment": ("DB_PASSWORD={}", ALNUM, 14),
    "environment of docker": ("docker run --env=DB_PASSWORD={} image", ALNUM, 14),
    "mysql environment": ("MYSQL_PWD={}", ALNUM, 14),
    "yaml": ("password: '{}'", ALNUM, 14),
    "words in quotes": ('password: "correct {} horse"', ALNUM, 14),
    "minified JSON": ('{{"user":"u","password":"{}"}}', ALNUM, 14),
    "JSON with an escape": ('{{"password": "a\\"{}"}}', ALNUM, 14),
    "camel case": ('{{"clientSecret":"{}"}}', ALNUM, 14),
    "separators inside": ("DB_PASSWORD=abcdef;{}", ALNUM, 14),
    "option": ("tool --password {} --verbose", ALNUM, 14),
    "option with equals": ("vllm serve --api-key={}", ALNUM, 14),
    "arguments": ("tool\0--password\0{}\0--port\08080", ALNUM, 14),
    "sshpass": ("sshpass -p {} ssh host", ALNUM, 14),
    "curl": ("curl -s -u user:{} https://example.com", ALNUM, 14),
    "mysql": ("mysql -u root -p{} db", ALNUM, 14),
    "docker login": ("docker login -u me -p {} registry.example.com", ALNUM, 14),
    "redis": ("redis-cli -h cache -a {} ping", ALNUM, 14),
    "redis.conf": ("requirepass {}", ALNUM, 14),
    "openssl": ("openssl rsa -passin pass:{}", ALNUM, 14),
    "password hash": ("root:$6$rounds=5000${}:19000", ALNUM, 60),
}


@dataclass(frozen=True)
class Planted:
    """A credential."""

    name: str
    text: str
    """With what stands around it."""
    secret: str
    """The part that nobody could guess."""

    def is_shown(self, text: str) -> bool:
        """Tell whether at least the beginning or the end of the secret stands in `text`."""
        return self.secret[:12] in text or self.secret[-12:] in text


def plant(seed: int) -> list[Planted]:
    """Return one credential of each shape; another seed gives others."""
    source = random.Random(seed)
    found = []
    for name, (context, letters, count) in SPECS.items():
        # A letter of each kind, so that no generated secret is a word or all alike.
        secret = "".join(source.choices(letters.replace("-", "").replace("_", ""), k=count))
        found.append(Planted(name, context.format(secret), secret))
    return found


def search(text: str, planted: list[Planted]) -> list[str]:
    """Return the names of the credentials that `text` shows, also within JSON, HTML, URLs and Base64."""
    readings = {text, html.unescape(text), unquote(text), *_encoded(text)}
    return [item.name for item in planted if any(map(item.is_shown, readings))]


def _encoded(text: str) -> Iterator[str]:
    for run in re.findall(r"[A-Za-z0-9+/]{16,}={0,2}", text):
        for start in range(4):
            part = run[start:].rstrip("=")
            part = part[: len(part) // 4 * 4]
            yield base64.b64decode(part).decode("utf-8", "ignore")
    for line in text.splitlines():
        try:
            yield from _strings(json.loads(line))
        except ValueError:
            continue


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def search_files(directory: Path, planted: list[Planted]) -> dict[str, list[str]]:
    """Return what each file below `directory` shows, names of files among it; compressed files are opened."""
    shown = {}
    for path in sorted(item for item in directory.rglob("*") if item.is_file()):
        data = path.read_bytes()
        data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        name = str(path.relative_to(directory))
        if found := search(name + "\n" + data.decode("utf-8", "replace"), planted):
            shown[name] = found
    return shown
