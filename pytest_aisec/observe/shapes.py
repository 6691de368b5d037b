"""The shapes of credentials that are known: pure data, read by `observe.redact`."""

from __future__ import annotations

import re
from typing import NamedTuple


class Shape(NamedTuple):
    """How one kind of credential looks."""

    kind: str
    words: str
    """One of these, in lower case, is in every match: without them nobody searches any further."""
    pattern: str
    """Its groups `s`, `s1`, … are the credential where one of them took part, otherwise all of it."""


_BEGIN = r"(?:(?<![0-9A-Za-z_])|(?<=\\[nrt])|(?<=[0-9;\[]m)|(?<=%[0-9A-Fa-f]{2}))"
"""Where a word begins: also after a letter of another script, an escape sequence, and in `\\n` and `%20`."""
_BEGUN = r"(?:(?<![0-9A-Za-z_].)|(?<=\\\\[nrt].)|(?<=[0-9;\\[]m.)|(?<=%[0-9A-Fa-f]{2}.))"
"""The same behind the first letter of the word, written for `re.sub`."""
_END = r"(?![0-9A-Za-z_])"
_BEFORE = (
    r"(?i)(?:^|(?<=[\s;&\"'{,(?\x00:=\[\]|<>`#*!@\\+~)}\u0080-\U0010ffff])"
    r"|(?<=\\[nrt])|(?<=[0-9;\[]m)|(?<=%[0-9A-F]{2}))"
)
_NAMED = _BEFORE + r"(?:--?)?(?:[a-z0-9_.-]{0,40}[_.-])?"
"""What stands before the name of a setting, in a file, a URL or the arguments of a process."""
_CAMEL = r"\b[a-z][A-Za-z0-9]{0,40}"
"""What stands before it in `dbPassword`."""
_NEXT = r"\x00(?:/proc/\d+/cmdline:(?=[^-\s])|(?!/proc/\d+/cmdline:)(?=[^-\s]))"
"""What stands between an argument and the next, as the kernel or grep prints them."""
_ARGUMENT = r"(?:[ \t]+|\x00(?:/proc/\d+/cmdline:)?)"
"""Likewise, whatever comes next."""
_QUOTED = (
    r"(?:\"(?P<s1>(?:\\+[^\\\n]|[^\"\\«»\n\x00]){6,256})(?=\")"
    r"|'(?P<s2>(?:\\+[^\\\n]|[^'\\«»\n\x00]){6,256})(?=')|"
    r"\\{1,4}\"(?P<s3>[^\"\\«»\n\x00]{6,256})(?=\\{1,4}\")|"
)
_BARE = r"(?P<s>(?:[^\s\"'«»,;&\x00\\]|\\(?![\\\"'])|[,;&](?![\s\"'«»\x00]|[\w.-]{1,40}=|\Z)){6,256})"
_VALUE = _QUOTED + r"(?:\\{0,4}[\"'])?" + _BARE + ")"
"""The value of a setting whose name says that it is a password."""
_NAMES_OF_SECRETS = (
    r"(?:password|passwd|passphrase|api[_-]?key|secret[_-]?key(?:[_-]base)?|secret[_-]?access[_-]?key"
    r"|auth[_-]?token|access[_-]?token|refresh[_-]?token|session[_-]?token|client[_-]?secret"
    r"|subscription[_-]key|account[_-]?key|shared[_-]?access[_-]?key|(?:encryption|signing|master|fernet)[_-]key"
    r"|_auth)"
)
_BASE64 = r"[A-Za-z0-9+/]"
_KEY_BEGIN = r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
_KEY_END = r"-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"

_KEYS = (
    Shape("private-key", "private", rf"{_KEY_BEGIN}[\s\S]*?(?:{_KEY_END}|\Z)"),
    Shape("private-key", "private-lines", r"Private-Lines: \d+\r?\n(?P<s>(?:[A-Za-z0-9+/=]+\r?(?:\n|\Z))+)"),
    Shape("age-key", "age-secret-key-1", r"\bAGE-SECRET-KEY-1[0-9A-Z]{50,}"),
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

_CLOUDS = (
    Shape("aws-access-key", "akia asia abia acca", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"),
    Shape(
        "aws-secret-key",
        "secret session token",
        r"(?i)(?:aws_?)?(?:secret_?access_?key|session_?token|x-amz-security-token)"
        r"(?:\\{0,4}[\"'])?\s*[=:]\s*(?:\\{0,4}[\"'])?(?P<s>[A-Za-z0-9/+=%]{20,})",
    ),
    Shape("aws-secret-key", "absk bedrock-api-key-", rf"\b(?:ABSK|bedrock-api-key-){_BASE64}{{60,}}={{0,2}}"),
    Shape("google-api-key", "aiza", r"\bAIza[0-9A-Za-z_-]{35}"),
    Shape(
        "google-oauth",
        "ya29. gocspx- 1//0",
        r"\b(?:ya29\.[0-9A-Za-z_.-]{20,}|GOCSPX-[0-9A-Za-z_-]{28})|(?<![A-Za-z0-9_/:])1//0[0-9A-Za-z_-]{30,}",
    ),
    Shape("google-hmac", "goog", r"\bGOOG1?E[A-Z0-9]{20,}\b"),
    Shape("azure-key", "+ast +aba", rf"\b{_BASE64}{{60,80}}\+(?:ASt|ABa){_BASE64}{{5,8}}={{0,2}}"),
    Shape("azure-key", "jqqj99", r"\b[A-Za-z0-9]{40,60}JQQJ99[A-Za-z0-9]{20,}"),
    Shape("azure-secret", "8q~", r"[\w~.-]{3}\d?8Q~[\w~.-]{30,36}"),
    Shape("azure-devops", "azdo", r"\b[A-Za-z0-9]{70,80}AZDO[A-Za-z0-9]{4}\b"),
    Shape(
        "signed-url",
        "sig",
        r"(?i)[?&;](?:sig|signature|x-amz-signature|x-goog-signature)=(?P<s>[A-Za-z0-9%/+_-]{20,}={0,2})",
    ),
    Shape("digitalocean", "_v1_", r"\bdo[opr]_v1_[0-9a-f]{64}"),
    Shape("alibaba", "ltai", r"\bLTAI[A-Za-z0-9]{16,24}\b"),
    Shape("tencent", "akid", r"\bAKID[A-Za-z0-9]{32}\b"),
    Shape("databricks", "dapi", r"\bdapi[0-9a-f]{32}(?:-\d)?\b"),
    Shape("vault", "hvs. hvb. hvr.", r"\bhv[sbr]\.[A-Za-z0-9_-]{24,}"),
    Shape("terraform", ".atlasv1.", r"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{40,}"),
    Shape("doppler", "dp.", r"\bdp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{40,}"),
    Shape("supabase", "sbp_ sb_secret_", r"\b(?:sbp_[0-9a-f]{40}|sb_secret_[A-Za-z0-9_-]{20,})"),
)

_MODELS = (
    Shape("huggingface", "hf_ api_org_", r"\b(?:hf_|api_org_)[A-Za-z0-9]{30,}"),
    Shape("anthropic", "sk-ant-", r"\bsk-ant-[A-Za-z0-9_-]{20,}"),
    Shape("langfuse", "sk-lf-", r"\bsk-lf-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    # Also DeepSeek, OpenRouter, DashScope and others that took the prefix over.
    Shape(
        "openai",
        "sk-",
        r"\bsk-(?!ant-|lf-)(?:(?:proj|svcacct|admin|or-v1)-[A-Za-z0-9_-]{20,}"
        r"|[A-Za-z0-9_-]{0,24}?[A-Za-z0-9]{16,}[A-Za-z0-9_-]{4,})",
    ),
    Shape("nvidia", "nvapi-", r"\bnvapi-[A-Za-z0-9_-]{40,}"),
    Shape("replicate", "r8_", r"\br8_[A-Za-z0-9]{30,}"),
    Shape("groq", "gsk_", r"\bgsk_[A-Za-z0-9]{40,}"),
    Shape("perplexity", "pplx-", r"\bpplx-[A-Za-z0-9]{40,}"),
    Shape("together", "tgp_v1_", r"\btgp_v1_[A-Za-z0-9_-]{40,}"),
    Shape("fireworks", "fw_", r"\bfw_[A-Za-z0-9]{22,}\b"),
    Shape("xai", "xai-", r"\bxai-[A-Za-z0-9]{70,}"),
    Shape("cerebras", "csk-", r"\bcsk-[a-z0-9]{40,}"),
    Shape("anyscale", "esecret_", r"\besecret_[A-Za-z0-9]{20,}"),
    Shape("runpod", "rpa_", r"\brpa_[A-Z0-9]{40,}"),
    Shape("voyage", "pa-", r"(?<![A-Za-z0-9_-])pa-[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"),
    Shape("jina", "jina_", r"\bjina_[A-Za-z0-9_-]{50,}"),
    Shape("pinecone", "pcsk_", r"\bpcsk_[A-Za-z0-9_]{40,}"),
    Shape("langsmith", "lsv2_ ls__", r"\b(?:lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}|ls__[0-9a-f]{32})"),
    Shape("elevenlabs", "sk_", r"\bsk_[0-9a-f]{48}\b"),
    Shape("tavily", "tvly-", r"\btvly-(?:dev-|prod-)?[A-Za-z0-9]{20,}"),
    Shape("kaggle", "kgat_", r"\bKGAT_[0-9a-f]{32}"),
    Shape(
        "kaggle",
        "username",
        r"\"username\\{0,4}\"\s*:\s*\\{0,4}\"[^\"\n]{1,64}\"\s*,\s*\\{0,4}\"key\\{0,4}\"\s*:\s*\\{0,4}\"(?P<s>[0-9a-f]{32})\b",
    ),
    Shape(
        "cohere",
        "cohere co_api_key",
        r"(?i)\b(?:cohere[_.-]?(?:api[_-]?)?(?:key|token)|co_api_key)[\"']?\s*[=:]\s*[\"']?(?P<s>[A-Za-z0-9]{40})\b",
    ),
    Shape("modal", "ak- as-", r"(?<![A-Za-z0-9_-])(?:ak|as)-[A-Za-z0-9]{22}(?![A-Za-z0-9_-])"),
)

_FORGES = (
    Shape(
        "github",
        "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})",
    ),
    Shape(
        "gitlab",
        "glpat- glptt- gldt- glrt- glrtr- glcbt- glsoat- glft- glimt- glagent- gloas- glffct-",
        r"\bgl(?:pat|ptt|dt|rt|rtr|cbt|soat|ft|imt|agent|oas|ffct)-[A-Za-z0-9_.-]{20,}",
    ),
    Shape("atlassian", "atatt3 atctt3 atbb", r"\b(?:AT[AC]TT3[A-Za-z0-9_=-]{40,}|ATBB[A-Za-z0-9_=]{24,})"),
    Shape("pypi", "pypi-", r"\bpypi-[A-Za-z0-9_-]{50,}"),
    Shape("npm", "npm_", r"\bnpm_[A-Za-z0-9]{36}\b"),
    Shape("rubygems", "rubygems_", r"\brubygems_[0-9a-f]{48}\b"),
    Shape("crates", "cio", r"\bcio[A-Za-z0-9]{32}\b"),
    Shape("nuget", "oy2", r"\boy2[a-z0-9]{43}\b"),
    Shape("docker", "dckr_", r"\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}"),
    Shape("docker", "auth", r"\"auth\\{0,4}\"\s*:\s*\\{0,4}\"(?P<s>[A-Za-z0-9+/]{8,}={0,2})(?=\\{0,4}\")"),
    Shape("artifactory", "akcp cmvmdgtu", r"\b(?:AKCp[A-Za-z0-9]{60,}|cmVmdGtu[A-Za-z0-9]{50,})"),
)

_SERVICES = (
    Shape(
        "slack",
        "xox xapp- hooks.slack.com",
        r"\b(?:xox[abceoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,}|xapp-\d-[A-Za-z0-9-]{20,})"
        r"|https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{20,}",
    ),
    Shape(
        "discord", "discord", r"https://(?:\w+\.)?discord(?:app)?\.com/api/(?:v\d+/)?webhooks/\d+/[\w-]{40,}"
    ),
    Shape("discord", ".", r"\b[MNO][A-Za-z\d_-]{23,27}\.[\w-]{6}\.[\w-]{27,45}"),
    Shape("telegram", ":aa", r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])"),
    Shape("teams", "webhook.office.com", r"https://[\w.-]+\.webhook\.office\.com/webhookb2/[\w@./-]{20,}"),
    Shape("stripe", "_live_ _test_", r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{20,}"),
    Shape("sendgrid", "sg.", r"\bSG\.[\w-]{20,24}\.[\w-]{40,50}"),
    Shape("twilio", "sk", r"\bSK[0-9a-f]{32}\b"),
    Shape("sentry", "sntrys_ sntryu_", r"\bsntry(?:s_[A-Za-z0-9+/=_-]{30,}|u_[0-9a-f]{64})"),
    Shape("grafana", "glsa_ glc_", r"\b(?:glsa_[A-Za-z0-9]{32}_[0-9A-Fa-f]{8}|glc_[A-Za-z0-9+/]{32,}={0,2})"),
    Shape("newrelic", "nrak- nraa-", r"\bNRA[AK]-[A-Z0-9]{27}\b"),
    Shape("dynatrace", "dt0", r"\bdt0[a-z]\d{2}\.[A-Z2-7]{24}\.[A-Z2-7]{64}"),
    Shape("linear", "lin_api_ lin_oauth_", r"\blin_(?:api|oauth)_[A-Za-z0-9]{40,}"),
    Shape("notion", "ntn_", r"\bntn_[A-Za-z0-9]{40,}"),
    Shape("postman", "pmak-", r"\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    Shape("shopify", "shp", r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    Shape(
        "wandb",
        "wandb",
        r"(?i)(?:wandb_api_key|machine (?:api\.)?wandb\.ai[\s\S]{0,80}?password)[\"']?\s*[=: ]\s*[\"']?"
        r"(?P<s>[0-9a-f]{40})\b",
    ),
    Shape(
        "wandb-key",
        "wandb",
        rf"\bwandb_v1_[A-Za-z0-9_-]{{30,}}|\bwandb{_ARGUMENT}login[^\n]{{0,80}}?{_ARGUMENT}(?P<s>[0-9a-f]{{40}})\b",
    ),
    Shape("neptune", "eyjhcglfywrkcmvzcyi6", r"\beyJhcGlfYWRkcmVzcyI6[A-Za-z0-9+/=_-]{20,}"),
)

_OPTION = r"[\s\x00\"'](?:/proc/\d+/cmdline:)?"
"""What stands before an option of a program."""


def _argument(words: str, before: str) -> Shape:
    """Return the shape of a password that is an argument, or the end of one, after `before`."""
    return Shape("password", words, before + r"[\"']?(?P<s>(?!/proc/)[^\s\"'«»\x00]{3,256})")


_IN_ARGUMENTS = (
    _argument("sshpass", rf"\bsshpass{_ARGUMENT}-p{_ARGUMENT}?"),
    _argument(
        "curl",
        rf"\bcurl\b[^\n]{{0,400}}?{_OPTION}(?:-u|--user|--proxy-user){_ARGUMENT}?=?[\"']?[^\s:\x00\"'«»]{{0,64}}:",
    ),
    _argument(
        "mysql mariadb",
        rf"\bm(?:ysql|ariadb)[a-z-]*\b[^\n|;]{{0,400}}?{_OPTION}-p(?!(?:erm|rint0?|ath|rune|ort|rotocol\S*|lugin\S*)\b)",
    ),
    _argument("redis-cli", rf"\bredis-cli\b[^\n|;]{{0,200}}?{_OPTION}-a{_ARGUMENT}"),
    _argument(
        "login",
        r"\b[a-z](?:ocker|odman|erdctl|elm|c|z|kopeo|uildah)\b[^\n|;]{0,200}?[\s\x00]login\b"
        rf"[^\n|;]{{0,200}}?{_OPTION}-p{_ARGUMENT}?",
    ),
    _argument("ldap", rf"\bldap[a-z]+\b[^\n|;]{{0,400}}?{_OPTION}-w{_ARGUMENT}"),
    _argument(
        "smbclient", rf"\bsmbclient\b[^\n|;]{{0,200}}?{_OPTION}-U{_ARGUMENT}[\"']?[^\s%\x00\"'«»]{{1,64}}%"
    ),
    _argument("requirepass masterauth", rf"\b(?:requirepass|masterauth){_ARGUMENT}"),
    _argument("passin passout", rf"\bpass(?:in|out){_ARGUMENT}pass:"),
)

_GENERAL = (
    Shape("jwt", "eyj", r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
    Shape(
        "jwt",
        "eyj",
        r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
    ),
    Shape(
        "basic-auth",
        "authorization",
        r"(?i)authorization[\\\"']{0,5}\s*(?:[:=,]|\s)\s*[\\\"']{0,5}basic\s+(?P<s>[A-Za-z0-9+/_-]{4,}={0,2})",
    ),
    Shape(
        "bearer",
        "authorization",
        r"(?i)authorization[\"']?\s*[:=,]\s*[\"']?(?:bearer|token|apikey|api-key|negotiate|splunk|key)\s+"
        r"(?P<s>[A-Za-z0-9_.~+/=-]{6,})",
    ),
    Shape("bearer", "bearer", r"(?i)\bbearer\s+(?P<s>[A-Za-z0-9_.~+/-]{20,}=*)"),
    Shape(
        "url-password", "://", r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s/:@\"'<>]*:(?P<s>[^\s/\"'<>«»]{1,256})@"
    ),
    Shape(
        "password",
        "passw passphrase key token secret _auth",
        rf"{_NAMED}{_NAMES_OF_SECRETS}"
        rf"(?:\\{{0,4}}[\"']\s*:\s*|[\"']?\s*(?:=|:\s|\s(?=[^-\s])|{_NEXT})\s*){_VALUE}",
    ),
    Shape(
        "password",
        "pass pwd",
        _BEFORE + r"(?:--?(?:[a-z0-9_.-]{0,40}[_.-])?(?:pass|pwd)|[a-z0-9_.-]{0,40}[_.-](?:pass|pwd))"
        rf"(?:\\{{0,4}}[\"']\s*:\s*|[\"']?\s*(?:=|:\s)\s*|(?<=-pass)(?:\s(?=[^-\s])|{_NEXT})){_VALUE}",
    ),
    Shape(
        "password",
        "password passphrase apikey secret token",
        rf"{_CAMEL}(?:Password|Passphrase|A[Pp][Ii]Key|SecretKey|ClientSecret|(?:Auth|Access|Refresh|Session|Api)Token"
        rf"|Secret)(?:\\{{0,4}}[\"']\s*:\s*|\s*(?:=|:\s)\s*){_VALUE}",
    ),
    Shape(
        "token",
        "token secret",
        _NAMED + r"(?:token|secret)(?:[\"']\s*:\s*[\"']?|[\"']?"
        rf"(?:\s*(?:=|:\s)\s*|(?:(?<=--token)|(?<=--secret))(?:\s(?=[^-\s])|{_NEXT}))[\"']?)"
        r"(?P<s>[A-Za-z0-9_./+=~-]{8,256})(?=[\s\"'«»,;&\x00)\]}\u0080-\U0010ffff]|\Z)",
    ),
    *_IN_ARGUMENTS,
    Shape("password-hash", "$", r"\$(?:1|2[aby]|5|6|7|y|gy|argon2id?)\$[^\s:«»]{12,}"),
)


def _bounded(shape: Shape) -> Shape:
    """Return the shape with its word boundaries being those of credentials, which are ASCII.

    Where it begins with one letter, the boundary is looked for behind that: Python finds letters quickly.
    """
    pattern = re.sub(r"(^|\|)\\b([A-Za-z0-9]|\[[^\]]+\])(?![{*+?])", rf"\1\2{_BEGUN}", shape.pattern)
    pattern = re.sub(r"(^|\||\(\?:|\(\?i\))\\b", lambda found: found[1] + _BEGIN, pattern)
    return shape._replace(pattern=pattern.replace(r"\b", _END))


SHAPES: tuple[Shape, ...] = tuple(
    map(_bounded, (*_KEYS, *_CLOUDS, *_MODELS, *_FORGES, *_SERVICES, *_GENERAL))
)
"""All of them, in the order in which they are looked for."""

SECRET_NAME = (
    rf"(?i)(?:.*[_.\s-])?(?:{_NAMES_OF_SECRETS}|token|secret|pass|pwd)"
    r"|.*(?-i:[a-z](?:Password|ApiKey|Secret|Token))"
)
"""The whole name of a setting whose value is a credential, whatever it looks like."""
