"""The tokens of clouds, forges, model hubs and other vendors: pure data, for `observe.shapes`.

The yardstick are the public rules of gitleaks 8 (github.com/gitleaks/gitleaks, `config/gitleaks.toml`): which
vendors there are, and how long their tokens. The expressions are our own. A prefix that no word
has needs no boundary before it, so that a token glued behind a word is found, too.
"""

from __future__ import annotations

from pytest_aisec.observe.redaction.shape import Shape

_BASE64 = r"[A-Za-z0-9+/]"

_CLOUDS = (
    Shape("aws-access-key", "akia asia abia acca", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"),
    Shape(
        "aws-secret-key",
        "secret session token",
        r"(?i)(?:aws_?)?(?:secret_?access_?key|session_?token|x-amz-security-token)"
        r"(?:\\{0,4}[\"'])?\s*[=:]\s*(?:\\{0,4}[\"'])?(?P<s>[A-Za-z0-9/+=%]{20,})",
    ),
    Shape("aws-secret-key", "absk bedrock-api-key-", rf"(?:ABSK|bedrock-api-key-){_BASE64}{{60,}}={{0,2}}"),
    Shape("google-api-key", "aiza", r"AIza[0-9A-Za-z_-]{35}"),
    Shape(
        "google-oauth",
        "ya29. gocspx- 1//0",
        r"(?:ya29\.[0-9A-Za-z_.-]{20,}|GOCSPX-[0-9A-Za-z_-]{28})|(?<![A-Za-z0-9_/:])1//0[0-9A-Za-z_-]{30,}",
    ),
    Shape("google-hmac", "goog", r"\bGOOG1?E[A-Z0-9]{20,}\b"),
    Shape(
        "azure-key",
        "+ast +aba",
        rf"(?<!{_BASE64}){_BASE64}{{60,90}}?\+(?:ASt|ABa){_BASE64}{{5,8}}={{0,2}}",
    ),
    Shape("azure-key", "jqqj99", r"\b[A-Za-z0-9]{40,60}JQQJ99[A-Za-z0-9]{20,}"),
    Shape("azure-secret", "8q~", r"[\w~.-]{3}\d?8Q~[\w~.-]{30,36}"),
    Shape("azure-devops", "azdo", r"\b[A-Za-z0-9]{70,80}AZDO[A-Za-z0-9]{4}\b"),
    Shape(
        "signed-url",
        "sig",
        r"(?i)[?&;](?:sig|signature|x-amz-signature|x-goog-signature)=(?P<s>[A-Za-z0-9%/+_-]{20,}={0,2})",
    ),
    Shape("digitalocean", "_v1_", r"do[opr]_v1_[0-9a-f]{64}"),
    Shape("alibaba", "ltai", r"\bLTAI[A-Za-z0-9]{16,24}\b"),
    Shape("tencent", "akid", r"\bAKID[A-Za-z0-9]{32}\b"),
    Shape("databricks", "dapi", r"dapi[0-9a-f]{32}(?:-\d)?\b"),
    Shape("vault", "hvs. hvb. hvr.", r"hv[sbr]\.[A-Za-z0-9_-]{24,}"),
    Shape("vault", "s.", r"(?<![A-Za-z0-9_./-])s\.[A-Za-z0-9]{24}(?![A-Za-z0-9_./-])"),
    Shape("vault", "unseal", r"(?i)unseal key(?: \d{1,2})?: (?P<s>[A-Za-z0-9+/]{40,}={0,2})"),
    Shape("terraform", ".atlasv1.", r"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{40,}"),
    Shape("doppler", "dp.", r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{40,}"),
    Shape("supabase", "sbp_ sb_secret_", r"(?:sbp_[0-9a-f]{40}|sb_secret_[A-Za-z0-9_-]{20,})"),
)

_MODELS = (
    Shape("huggingface", "hf_ api_org_", r"(?:hf_|api_org_)[A-Za-z0-9]{30,}"),
    Shape("anthropic", "sk-ant-", r"sk-ant-[A-Za-z0-9_-]{20,}"),
    Shape("langfuse", "sk-lf-", r"sk-lf-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    # Also DeepSeek, OpenRouter, DashScope and others that took the prefix over.
    Shape(
        "openai",
        "sk-",
        r"\bsk-(?!ant-|lf-)(?:(?:proj|svcacct|admin|or-v1)-[A-Za-z0-9_-]{20,}"
        r"|[A-Za-z0-9_-]{0,24}?[A-Za-z0-9]{16,}[A-Za-z0-9_-]{4,})",
    ),
    Shape("nvidia", "nvapi-", r"nvapi-[A-Za-z0-9_-]{40,}"),
    Shape("replicate", "r8_", r"r8_[A-Za-z0-9]{30,}"),
    Shape("groq", "gsk_", r"gsk_[A-Za-z0-9]{40,}"),
    Shape("perplexity", "pplx-", r"pplx-[A-Za-z0-9]{40,}"),
    Shape("together", "tgp_v1_", r"tgp_v1_[A-Za-z0-9_-]{40,}"),
    Shape("fireworks", "fw_", r"\bfw_[A-Za-z0-9]{22,}\b"),
    Shape("xai", "xai-", r"xai-[A-Za-z0-9]{70,}"),
    Shape("cerebras", "csk-", r"csk-[a-z0-9]{40,}"),
    Shape("anyscale", "esecret_", r"esecret_[A-Za-z0-9]{20,}"),
    Shape("runpod", "rpa_", r"rpa_[A-Z0-9]{40,}"),
    Shape("voyage", "pa-", r"(?<![A-Za-z0-9_-])pa-[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"),
    Shape("jina", "jina_", r"jina_[A-Za-z0-9_-]{50,}"),
    Shape("pinecone", "pcsk_", r"pcsk_[A-Za-z0-9_]{40,}"),
    Shape("langsmith", "lsv2_ ls__", r"(?:lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}|ls__[0-9a-f]{32})"),
    Shape("elevenlabs", "sk_", r"sk_[0-9a-f]{48}\b"),
    Shape("tavily", "tvly-", r"tvly-(?:dev-|prod-)?[A-Za-z0-9]{20,}"),
    Shape("kaggle", "kgat_", r"KGAT_[0-9a-f]{32}"),
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
        r"(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})",
    ),
    Shape(
        "gitlab",
        "gr1348941 glpat- glptt- gldt- glrt- glrtr- glcbt- glsoat- glft- glimt- glagent- gloas- glffct-",
        r"GR1348941[A-Za-z0-9_-]{20,}|gl(?:pat|ptt|dt|rt|rtr|cbt|soat|ft|imt|agent|oas|ffct)-[A-Za-z0-9_.-]{20,}",
    ),
    Shape("atlassian", "atatt3 atctt3 atbb", r"\b(?:AT[AC]TT3[A-Za-z0-9_=-]{40,}|ATBB[A-Za-z0-9_=]{24,})"),
    Shape("pypi", "pypi-", r"pypi-[A-Za-z0-9_-]{50,}"),
    Shape("npm", "npm_", r"npm_[A-Za-z0-9]{36}\b"),
    Shape("rubygems", "rubygems_", r"rubygems_[0-9a-f]{48}\b"),
    Shape("crates", "cio", r"\bcio[A-Za-z0-9]{32}\b"),
    Shape(
        "nuget",
        "<add",
        r"(?i)<add\s{1,4}key=\\{0,4}\"(?:cleartext)?password\\{0,4}\"\s{1,8}value=\\{0,4}\""
        r"(?P<s>[^\"\\\n«»]{8,200})",
    ),
    Shape("nuget", "oy2", r"oy2[a-z0-9]{43}\b"),
    Shape("docker", "dckr_", r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}"),
    Shape("docker", "auth", r"\"auth\\{0,4}\"\s*:\s*\\{0,4}\"(?P<s>[A-Za-z0-9+/]{8,}={0,2})(?=\\{0,4}\")"),
    Shape("artifactory", "akcp cmvmdgtu", r"\b(?:AKCp[A-Za-z0-9]{60,}|cmVmdGtu[A-Za-z0-9]{50,})"),
)

_SERVICES = (
    Shape(
        "slack",
        "xox xapp- hooks.slack.com",
        r"(?:xox[abceoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,}|xapp-\d-[A-Za-z0-9-]{20,})"
        r"|https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{20,}",
    ),
    Shape(
        "discord", "discord", r"https://(?:\w+\.)?discord(?:app)?\.com/api/(?:v\d+/)?webhooks/\d+/[\w-]{40,}"
    ),
    Shape("discord", ".", r"[MNO][A-Za-z\d_-]{23,27}\.[\w-]{6}\.[\w-]{27,45}"),
    Shape("telegram", ":aa", r"\d{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])"),
    Shape("teams", "webhook.office.com", r"https://[\w.-]+\.webhook\.office\.com/webhookb2/[\w@./-]{20,}"),
    Shape("stripe", "_live_ _test_", r"(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{20,}"),
    Shape("sendgrid", "sg.", r"SG\.[\w-]{20,24}\.[\w-]{40,50}"),
    Shape("twilio", "sk", r"\bSK[0-9a-f]{32}\b"),
    Shape("sentry", "sntrys_ sntryu_", r"sntry(?:s_[A-Za-z0-9+/=_-]{30,}|u_[0-9a-f]{64})"),
    Shape("grafana", "glsa_ glc_", r"(?:glsa_[A-Za-z0-9]{32}_[0-9A-Fa-f]{8}|glc_[A-Za-z0-9+/]{32,}={0,2})"),
    Shape(
        "newrelic",
        "nrak- nraa- nrjs- nrii-",
        r"NR(?:A[AK]-[A-Z0-9]{27}\b|JS-[a-f0-9]{19}|II-[A-Za-z0-9_-]{32})",
    ),
    Shape("dynatrace", "dt0", r"dt0[a-z]\d{2}\.[A-Z2-7]{24}\.[A-Z2-7]{64}"),
    Shape("linear", "lin_api_ lin_oauth_", r"lin_(?:api|oauth)_[A-Za-z0-9]{40,}"),
    Shape("notion", "ntn_", r"ntn_[A-Za-z0-9]{40,}"),
    Shape("postman", "pmak-", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    Shape("shopify", "shp", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    Shape("neptune", "eyjhcglfywrkcmvzcyi6", r"eyJhcGlfYWRkcmVzcyI6[A-Za-z0-9+/=_-]{20,}"),
)

_OTHERS = (
    Shape("adobe", "p8e-", r"p8e-[A-Za-z0-9]{32}"),
    Shape("airtable", "pat", r"(?<![A-Za-z0-9])pat[A-Za-z0-9]{14}\.[a-f0-9]{64}"),
    Shape("asana", "/", r"[12](?<![0-9A-Za-z/].)/\d{12,18}(?:/\d{12,18})?:[0-9a-f]{32}"),
    Shape(
        "authress",
        "sc_ ext_ scauth_ authress_",
        r"(?:sc|ext|scauth|authress)_[a-z0-9]{5,30}\.[a-z0-9]{4,6}\.acc[_-][a-z0-9-]{10,32}\.[a-z0-9+/_=-]{30,120}",
    ),
    Shape("clickhouse", "4b1d", r"(?<![A-Za-z0-9])4b1d[A-Za-z0-9]{38}(?![A-Za-z0-9])"),
    Shape("clojars", "clojars_", r"CLOJARS_[A-Za-z0-9]{60}"),
    Shape("cloudflare", "v1.0-", r"v1\.0-[a-f0-9]{24}-[a-f0-9]{146}"),
    Shape("contentful", "cfpat-", r"CFPAT-[A-Za-z0-9_-]{40,}"),
    Shape("duffel", "duffel_", r"duffel_(?:test|live)_[A-Za-z0-9_=-]{43}"),
    Shape("dropbox", "sl.", r"(?<![A-Za-z0-9_.-])sl\.(?:u\.)?[A-Za-z0-9_=-]{60,}"),
    Shape("easypost", "ezak ezat eztk", r"EZ(?:AK|AT|TK)[A-Za-z0-9]{54}"),
    Shape("facebook", "eaam eaac", r"EAA[MC][A-Za-z0-9]{100,}"),
    Shape("flutterwave", "flwseck", r"FLWSECK(?:_TEST)?-[A-Za-z0-9-]{12,}"),
    Shape("fly", "fo1_ fm1 fm2_", r"fo1_[\w-]{43}|fm(?:1[ar]|2)_[A-Za-z0-9+/]{100,}={0,3}"),
    Shape("frameio", "fio-u-", r"fio-u-[A-Za-z0-9_=-]{64}"),
    Shape("gocardless", "live_", r"(?<![A-Za-z0-9_])live_[A-Za-z0-9_=-]{40}(?![A-Za-z0-9_=-])"),
    Shape("grafana", "eyjrijoi", r"eyJrIjoi[A-Za-z0-9+/=_-]{60,}"),
    Shape("harness", "pat. sat.", r"(?:pat|sat)\.[A-Za-z0-9_-]{22}\.[0-9a-f]{24}\.[A-Za-z0-9]{20}"),
    Shape("heroku", "hrku-", r"HRKU-[A-Za-z0-9_-]{36,}"),
    Shape("hubspot", "pat-", r"pat-(?:na|eu)\d-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    Shape("infracost", "ico-", r"ico-[A-Za-z0-9]{32}"),
    Shape("intra42", "s-s4t2", r"s-s4t2(?:ud|af)-[a-f0-9]{64}"),
    Shape("k3s", "k10", r"K10[0-9a-f]{40,64}::(?:server|node|[a-z0-9]{6}):?[A-Za-z0-9.:-]{6,}"),
    Shape("mailchimp", "-us", r"(?<![0-9a-z])[0-9a-f]{32}-us\d{1,2}(?![0-9A-Za-z])"),
    Shape("mailgun", "key-", r"(?<![A-Za-z0-9_-])(?:pub)?key-[0-9a-f]{32}(?![0-9A-Za-z])"),
    Shape("mapbox", "sk.ey pk.ey", r"[ps]k\.eyJ[A-Za-z0-9_-]{50,}\.[A-Za-z0-9_-]{20,}"),
    Shape("maxmind", "_mmk", r"(?<![A-Za-z0-9_])[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk"),
    Shape("netlify", "nfp_", r"nfp_[A-Za-z0-9]{36,}"),
    Shape("octopus", "api-", r"(?<![A-Za-z0-9_-])API-[A-Z0-9]{25,26}(?![A-Za-z0-9_-])"),
    Shape(
        "onepassword",
        "ops_ey a3-",
        r"ops_eyJ[A-Za-z0-9+/]{100,}={0,3}|A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}",
    ),
    Shape("openshift", "sha256~", r"sha256~[\w-]{43}"),
    Shape("plaid", "access-", r"access-(?:sandbox|development|production)-[0-9a-f-]{36}"),
    Shape("planetscale", "pscale_", r"pscale_(?:tkn|oauth|pw)_[\w=.-]{32,64}"),
    Shape("prefect", "pnu_", r"pnu_[A-Za-z0-9]{36}"),
    Shape("pulumi", "pul-", r"pul-[0-9a-f]{40}"),
    Shape("readme", "rdme_", r"rdme_[a-z0-9]{70}"),
    Shape("scalingo", "tk-us-", r"tk-us-[\w-]{48}"),
    Shape("sendinblue", "xkeysib-", r"xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16}"),
    Shape("settlemint", "sm_", r"sm_(?:aat|pat|sat)_[A-Za-z0-9]{16}"),
    Shape("shippo", "shippo_", r"shippo_(?:live|test)_[0-9a-fA-F]{40}"),
    Shape("sonar", "squ_ sqp_ sqa_", r"sq[upa]_[A-Za-z0-9]{40}"),
    Shape("sourcegraph", "sgp_", r"sgp_(?:[a-fA-F0-9]{16}_|local_)?[a-fA-F0-9]{40}"),
    Shape("square", "eaaa sq0", r"(?<![A-Za-z0-9_-])EAAA[\w-]{60}(?![\w-])|sq0(?:atp|csp)-[\w-]{22,60}"),
    Shape("tailscale", "tskey-", r"tskey-[a-z]{2,10}-[A-Za-z0-9]{6,}-[A-Za-z0-9]{10,}"),
    Shape("typeform", "tfp_", r"tfp_[A-Za-z0-9_.=-]{59}"),
    Shape(
        "yandex",
        "aqvn ycaj t1.",
        r"AQVN[A-Za-z0-9_-]{35,38}|(?<![A-Za-z0-9_])YCAJ[\w-]{35}|(?<![A-Za-z0-9_.])t1\.[A-Z0-9a-z_-]+={0,2}\.[A-Z0-9a-z_-]{86}={0,2}",
    ),
)

_VENDORS = (
    "adafruit airtable algolia alibaba artifactory asana atlassian beamer bitbucket bittrex "
    "cloudflare codecov cohere coinbase confluence confluent contentful datadog discord droneci "
    "dropbox etsy facebook fastly finicity finnhub flickr freshbooks gitter heroku hubspot intercom "
    "jfrog jira kraken kucoin launchdarkly mailgun mattermost meraki message-bird message_bird "
    "messagebird netlify new-relic new_relic newrelic nytimes okta plaid private-ai private_ai "
    "privateai rapidapi sendbird sentry snyk sonar squarespace sumo travis twitch twitter "
    "yandex zendesk"
)
_NAMED = (
    Shape(
        "vendor-key",
        _VENDORS,
        rf"(?i)(?<![a-z])(?:{'|'.join(_VENDORS.split())})(?![\w.-]{{0,20}}(?:commit|sha|digest|hash|revision))"
        r"[\w.-]{0,20}(?:\\{0,4}[\"'])?\s{0,3}(?:=>?|:=?)\s{0,4}(?:\\{0,4}[\"'])?"
        r"(?P<s>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}"
        r"|\d{15,25}-[a-z0-9]{20,40}|(?:b_|key)?(?=(?:[a-z]{0,40}[0-9]){3})[a-z0-9]{20,130}|key[a-z0-9]{14})"
        r"(?![\w-])",
    ),
    Shape("defined-networking", "dnkey-", r"dnkey-[A-Za-z0-9=_-]{26}-[A-Za-z0-9=_-]{52}"),
)
"""Keys that nothing but the name of their vendor tells: many letters and digits, and never words."""

VENDORS = (*_CLOUDS, *_MODELS, *_FORGES, *_SERVICES, *_OTHERS, *_NAMED)
