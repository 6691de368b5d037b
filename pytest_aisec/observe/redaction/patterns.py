"""The shapes of credentials that are known: pure data, for one line at a time."""

from __future__ import annotations

import re

from pytest_aisec.observe.redaction.shape import Shape
from pytest_aisec.observe.redaction.vendors import VENDORS

__all__ = ["SECRET_NAME", "SHAPES", "Shape"]

_BEGIN = r"(?:(?<![0-9A-Za-z_])|(?<=\\[nrt])|(?<=[0-9;\[]m)|(?<=%[0-9A-Fa-f]{2}))"
"""Where a word begins: also after a letter of another script, an escape sequence, and in `\\n` and `%20`."""
_BEGUN = r"(?:(?<![0-9A-Za-z_].)|(?<=\\\\[nrt].)|(?<=[0-9;\\[]m.)|(?<=%[0-9A-Fa-f]{2}.))"
"""The same behind the first letter of the word, written for `re.sub`."""
_END = r"(?![0-9A-Za-z_])"
_BEFORE = (
    r"(?:^|(?<=[\s;&\"'{,(?\x00:=\[\]|<>`#*!@\\+~)}\u0080-\U0010ffff])"
    r"|(?<=\\[nrt])|(?<=[0-9;\[]m)|(?<=%[0-9A-Fa-f]{2}))"
)
_NEXT = r"\x00(?:/proc/\d+/cmdline:(?=[^-\s])|(?!/proc/\d+/cmdline:)(?=[^-\s]))"
"""What stands between an argument and the next, as the kernel or grep prints them."""
_ARGUMENT = r"(?:[ \t]{1,16}+|\x00(?:/proc/\d+/cmdline:)?)"
"""Likewise, whatever comes next."""
_QUOTED = (
    r"(?:\"(?P<s1>(?:\\+[^\\]|[^\"\\«»\x00]){6,}+)(?=\")"
    r"|'(?P<s2>(?:\\+[^\\]|(?!\"\s*(?:[,:}\]]|$))[^'\\«»\x00]){6,}+)(?=')|"
    r"\\{1,4}\"(?P<s3>[^\"\\«»\x00]{6,}+)(?=\\{1,4}\")|"
)
"""A value in quotation marks: it never reaches from one string of JSON into the next."""
_BARE = (
    r"(?P<s>(?:[^\s\"'«»,;&\x00\\]|\\(?![\\\"'nr]|u000[aAdD])|[,;&](?![\s\"'«»\x00]|[\w.-]{1,40}=|$)){6,}+)"
)
_VALUE = _QUOTED + r"(?:\\{0,4}[\"'])?" + _BARE + ")"
"""The value of a setting whose name says that it is a password."""
_MIXED = r"(?=[\"'«]|\S{0,64}?[0-9!@#$%^&*+=~?])"
"""What no word of a sentence is."""
_IS = r"(?:\\{0,4}[\"']\s{0,16}+:\s{0,16}+|[\"']?\s{0,16}+(?:=>?|:=|:(?=\s))\s{0,16}+)"
"""What stands between a name and its value, in JSON and elsewhere."""
_NAMES_OF_SECRETS = (
    r"(?:passw(?:or)?d(?<!nopassword)(?<!nopasswd)(?!-)|passphrase|api[_-]?key|secret[_-]?key(?:[_-]base)?"
    r"|secret[_-]?access[_-]?key|(?:auth|access|refresh|session|identity|registry|bot)[_-]?token"
    r"|client[_-]?secret|webhook[_-]?secret|subscription[_-]key|account[_-]?key|shared[_-]?access[_-]?key"
    r"|(?:encryption|signing|master|fernet|pre-?shared)[_-]?key|_auth(?<![a-z0-9]_auth)"
    r"|bindpw(?<![a-z]bindpw)|rootpw(?<![a-z]rootpw)|psk(?<![a-z]psk)|wep[_-]key\d|obscured[_-]pass)"
)
_WORDS_OF_SECRETS = "passw passphrase key token secret _auth bindpw rootpw psk obscured wep"
_BASE64 = r"[A-Za-z0-9+/]"

_KEYS = (
    Shape("age-key", "age-secret-key-1", r"AGE-SECRET-KEY-1[0-9A-Z]{50,}"),
    # The beginning of a key's body, of a whole PEM in Base64 again, and what follows on its line.
    Shape(
        "private-key-data",
        "b3blbnnzac1rzxktdje mii mc4caqawbqydk2vw mhccaqee migkagebbd ls0tls1crudjti",
        r"(?:b3BlbnNzaC1rZXktdjE|MII[A-Za-z0-9+/]{3}IBA[A-D]"
        r"|MC4CAQAwBQYDK2Vw|MHcCAQEE|MIGkAgEBBD"
        r"|LS0tLS1CRUdJTi(?:BSU0EgUFJJVkFURSBLRVkt|BPUEVOU1NIIFBSSVZBVEUg|BQUklWQVRFIEtFWS0t|BFQyBQUklWQVRFIEtFWS"
        r"|BFTkNSWVBURUQgUFJJVkFURSBL))"
        rf"{_BASE64}{{16,}}=*",
    ),
)

_ML = (
    Shape(
        "wandb",
        "wandb",
        r"(?i)(?:wandb_api_key|machine (?:api\.)?wandb\.ai.{0,80}?password)[\"']?"
        r"\s{0,16}+[=: ]\s{0,16}+[\"']?"
        r"(?P<s>[0-9a-f]{40})\b",
    ),
    Shape(
        "wandb-key",
        "wandb",
        rf"wandb_v1_[A-Za-z0-9_-]{{30,}}|\bwandb{_ARGUMENT}login.{{0,80}}?{_ARGUMENT}(?P<s>[0-9a-f]{{40}})\b",
    ),
)

_WORDS = r"(?:[^\s\x00\"'|;]{0,400}+[\s\x00\"'](?:/proc/\d+/cmdline:)?+){1,40}?"
"""Words before an option, each looked at once, however many there are."""
_OF_ANY = _WORDS.replace("|;", "")


def _argument(words: str, before: str) -> Shape:
    """Return the shape of a password that is an argument, or the end of one, after `before`."""
    return Shape("password", words, before + r"[\"']?(?P<s>(?!/proc/)[^\s\"'«»\x00]{3,})")


_IN_ARGUMENTS = (
    _argument("sshpass", rf"\bsshpass{_ARGUMENT}-p{_ARGUMENT}?"),
    _argument(
        "curl wget",
        rf"\b(?:curl|wget)\b(?>{_OF_ANY}(?:-u|--user|--proxy-user)(?!"
        rf"[a-z-])){_ARGUMENT}?=?[\"']?[^\s:\x00\"'«»]{{0,64}}+:",
    ),
    _argument(
        "mysql mariadb",
        rf"\bm(?:ysql|ariadb)[a-z-]{{0,20}}+\b{_WORDS}-p(?!"
        rf"(?:erm|rint0?|ath|rune|ort|rotocol\S*|lugin\S*)\b)",
    ),
    _argument("redis-cli", rf"\bredis-cli\b{_WORDS}-a{_ARGUMENT}"),
    _argument(
        "login",
        r"\b[a-z](?:ocker|odman|erdctl|elm|c|z|kopeo|uildah)\b(?>(?:[^\s\x00|;]{0,200}+[\s\x00]){1,20}?login\b)"
        rf"{_WORDS}-p{_ARGUMENT}?",
    ),
    _argument("ldap", rf"\bldap[a-z]{{1,20}}+\b{_WORDS}-w{_ARGUMENT}"),
    _argument("smbclient", rf"\bsmbclient\b(?>{_WORDS}-U){_ARGUMENT}[\"']?[^\s%\x00\"'«»]{{1,64}}+%"),
    _argument("requirepass masterauth", rf"\b(?:requirepass|masterauth){_ARGUMENT}"),
    _argument("passin passout", rf"\bpass(?:in|out){_ARGUMENT}pass:"),
    _argument("ssh-keygen", rf"\bssh-keygen\b{_WORDS}-[NP]{_ARGUMENT}"),
    _argument("ipmitool", rf"\bipmitool\b{_WORDS}-P{_ARGUMENT}"),
    Shape(
        "password",
        "cryptsetup sudo chpasswd",
        r"\b(?:echo|printf)(?:[ \t]{1,4}+-[neE]+)?[ \t]{1,4}+[\"']?(?P<s>[^\s\"'«»|\x00]{6,})"
        r"[\"']?[ \t]{0,4}\|"
        r"[^|]{0,60}?(?:cryptsetup|sudo[ \t]{1,4}-S|chpasswd)\b",
    ),
)

_FILES = (
    # .pgpass: the port is one of a database's, or any. In JSON, the end of the string is none of it.
    Shape(
        "password",
        ":",
        r"^[^:\s\x00]{1,255}:(?:54\d\d|6432|\*):[^:\s\x00]{1,64}:[^:\s\x00]{1,64}:(?P<s>"
        r"[^:\s«»\x00]{6,}?)(?:\"[\],}]{0,8})?\r?$",
    ),
    Shape("password-hash", "pbkdf2", r"grub\.pbkdf2\.sha\d{3}\.\d{1,9}\.[0-9A-Fa-f]{16,}\.[0-9A-Fa-f]{16,}"),
    Shape("password-hash", "{sha {ssha", r"(?i)\{s?sha\d{0,3}\}[A-Za-z0-9+/$./]{24,}={0,2}"),
    Shape("password-hash", "apr1", r"\$apr1\$[^\s:«»\"']{12,}"),
    Shape("password-hash", ":::", r"[0-9A-Fa-f]{32}:(?P<s>[0-9A-Fa-f]{32}):::"),
    Shape("munge", "munge:", r"MUNGE:[A-Za-z0-9+/]{40,}={0,2}:?"),
    Shape(
        "wireguard",
        "privatekey presharedkey",
        r"(?i)(?:private|preshared)key\s{0,16}+=\s{0,16}+(?P<s>[A-Za-z0-9+/]{43}=)",
    ),
    Shape(
        "password",
        "psk password pass",
        rf"(?i)(?:^|[\"'])\s{{0,16}}+(?:psk|pass|sae_password|password2?)\s{{0,16}}+=\s{{0,16}}+{_VALUE}",
    ),
    Shape(
        "password",
        "wpa",
        rf"(?i)\b(?:wpa-psk|wpa_passphrase[ \t]{{1,4}}+[\"']?[^\s\"']{{1,32}}+[\"']?)[ \t]{{1,16}}+{_VALUE}",
    ),
    Shape(
        "kubeadm",
        "kubeadm token join",
        r"(?i)(?:token|kubeadm|join)\b[^\x00]{0,80}?(?<![a-z0-9._/-])(?P<s>[a-z0-9]{6}\."
        r"[a-z0-9]{16})(?![a-z0-9._/-])",
    ),
    Shape("kubeadm", "certificate-key", r"certificate-key[ =\x00:]{1,3}(?P<s>[0-9a-f]{64})"),
    Shape(
        "password",
        "<",
        r"(?i)<(?:\w{1,24}:)?\w{0,24}?(?:password|passwd|passphrase|secret|apikey|token)>"
        r"(?:\s{0,16}+<value>)?(?P<s>[^<>«»\s\x00]{6,})(?=<)",
    ),
    Shape(
        "cookie",
        "cookie",
        rf"(?i){_BEFORE}(?:set-)?cookie[\"']?(?::\s{{0,4}}+|=)[\"']?[\w.-]{{1,64}}=(?P<s>"
        rf"[^\s\"'«»;\x00]{{8,}}(?:; [\w.-]{{1,64}}=[^\s\"'«»;\x00]{{8,}}){{0,8}})",
    ),
    Shape(
        "cookie",
        "true false",
        r"(?i)^\S{3,255}\t(?:true|false)\t/\S{0,64}\t(?:true|false)\t\d{1,12}\t[^\t]{1,64}\t"
        r"(?P<s>[^\s«»]{8,})\r?$",
    ),
    Shape(
        "docker",
        "token",
        r"\"(?:identity|registry)token\\{0,4}\"\s{0,8}+:\s{0,8}+\\{0,4}\"(?P<s>[^\"\\«»\s\x00]{8,})",
    ),
    Shape(
        "password",
        "identified password secret",
        r"(?i)\b(?:identified\s{1,4}+by|with\s{1,4}+password|password|secret)\s{1,4}+(?:'(?P<s>"
        r"[^'\"«»\x00]{6,})'|\"(?P<s1>[^\"'«»\x00]{6,})\")",
    ),
    Shape("password", "psk", r": PSK \"(?P<s>[^\"«»\x00]{6,})\""),
    Shape("password", "community", r"\b(?:ro|rw)community6?[ \t]{1,16}+(?P<s>[^\s\"'«»\x00]{6,})"),
    Shape("password", "authtok", rf"ldap_default_authtok\s{{0,16}}+=\s{{0,16}}+{_VALUE}"),
)

_JWT = r"[A-Za-z0-9_-]"
_GENERAL = (
    Shape(
        "jwt",
        "eyj",
        rf"(?P<s>eyJ{_JWT}{{8,}}+\.(?:eyJ{_JWT}{{8,}}+\.{_JWT}{{8,}}+|{_JWT}*+\.{_JWT}++\.{_JWT}{{8,}}+\.{_JWT}{{8,}}+))"
        rf"|(?P<no>eyJ{_JWT}*+)",
    ),
    Shape(
        "basic-auth",
        "authorization",
        r"(?i)authorization[\\\"']{0,5}\s{0,16}+(?:[:=,]|(?<=\s))\s{0,16}+"
        r"[\\\"']{0,5}basic\s{1,16}+(?P<s>[A-Za-z0-9+/_-]{4,}={0,2})",
    ),
    Shape(
        "bearer",
        "authorization",
        r"(?i)authorization[\"']?\s{0,16}+[:=,]\s{0,16}+[\"']?"
        r"(?:bearer|token|apikey|api-key|negotiate|splunk|key)"
        r"\s{1,16}+(?P<s>[A-Za-z0-9_.~+/=-]{6,})",
    ),
    Shape("bearer", "bearer", r"(?i)\bbearer\s{1,16}+(?P<s>[A-Za-z0-9_.~+/-]{20,}=*)"),
    Shape("url-password", "://", r"://[^\s/:@\"'<>\x00]{0,256}+:(?P<s>[^\s/\"'<>«»\x00]{1,1024})@"),
    Shape("password", _WORDS_OF_SECRETS, rf"(?i){_NAMES_OF_SECRETS}{_IS}{_VALUE}"),
    Shape(
        "password",
        _WORDS_OF_SECRETS,
        rf"(?i)(?<![a-z0-9_])-{{1,2}}+(?!-)(?:[a-z0-9]{{0,40}}+[_.-]){{0,8}}{_NAMES_OF_SECRETS}(?:\s(?="
        rf"[^-\s])|{_NEXT}){_VALUE}",
    ),
    Shape(
        "password",
        _WORDS_OF_SECRETS,
        rf"(?i){_NAMES_OF_SECRETS}(?<!prohibit-password)(?<!without-password)"
        rf"[ \t]{{1,16}}+{_MIXED}(?!-){_VALUE}",
    ),
    Shape(
        "password",
        "pass pwd",
        rf"(?i)(?:(?<![a-z0-9_])--?(?:pass|pwd)(?:{_IS}|\s(?=[^-\s])|{_NEXT})|(?<=[_.-])(?:pass|pwd){_IS}"
        rf"|(?<=[_.-])pass{_NEXT}){_VALUE}",
    ),
    Shape(
        "password",
        "password passphrase apikey secret token",
        rf"(?<=[a-z0-9])(?:Password|Passphrase|A[Pp][Ii]Key|SecretKey|ClientSecret"
        rf"|(?:Auth|Access|Refresh|Session|Api)Token|Secret){_IS}{_VALUE}",
    ),
    Shape(
        "token",
        "token secret",
        rf"(?i)(?:token|secret)(?:[\"']\s{{0,16}}+:\s{{0,16}}+[\"']?|[\"']?"
        rf"(?:\s{{0,16}}+(?:=|:(?=\s))\s{{0,16}}+|(?:(?<=--token)|(?<=--secret))(?:\s(?="
        rf"[^-\s])|{_NEXT}))[\"']?)"
        r"(?:(?P<s>[A-Za-z0-9_./+=~-]{8,}+)(?=[\s\"'«»,;&\x00)\]}\u0080-\U0010ffff\\]|$)"
        r"|(?P<no>[A-Za-z0-9_./+=~-]{8,}+))",
    ),
    *_IN_ARGUMENTS,
    *_FILES,
    Shape("password-hash", "$", r"\$(?:1|2[aby]|5|6|7|y|gy|argon2id?)\$[^\s:«»\"'\x00]{12,}"),
)


def _bounded(shape: Shape) -> Shape:
    """Return the shape with its word boundaries being those of credentials, which are ASCII.

    Where it begins with one letter, the boundary is looked for behind that: Python finds letters quickly.
    """
    pattern = re.sub(r"(^|\|)\\b([A-Za-z0-9]|\[[^\]]+\])(?![{*+?])", rf"\1\2{_BEGUN}", shape.pattern)
    pattern = re.sub(r"(^|\||\(\?:|\(\?i\))\\b", lambda found: found[1] + _BEGIN, pattern)
    return shape._replace(pattern=pattern.replace(r"\b", _END))


SHAPES: tuple[Shape, ...] = tuple(map(_bounded, (*_KEYS, *VENDORS, *_ML, *_GENERAL)))
"""All of them, in the order in which they are looked for."""

SECRET_NAME = (
    rf"(?i)(?:.*[_.\s-])?(?:{_NAMES_OF_SECRETS}|token|secret|pass|pwd)"
    r"|.*(?-i:[a-z](?:Password|ApiKey|Secret|Token))"
)
"""The whole name of a setting whose value is a credential, whatever it looks like."""
