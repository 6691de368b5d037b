"""The public rules of gitleaks 8, one by one: what each would find is taken, or why not is said here."""

from __future__ import annotations

import hashlib
import random
import re
import string

import pytest

from pytest_aisec.observe.redaction.redact import redact

_LETTERS = {
    "h": "0123456789abcdef",
    "a": string.ascii_lowercase + string.digits,
    "A": string.ascii_uppercase + string.digits,
    "m": string.ascii_letters + string.digits,
    "0": string.digits,
}


def _some(kind: str, number: int, seed: str) -> str:
    made = random.Random(f"{kind} {number} {seed}")
    return "".join(made.choice(_LETTERS[kind]) for _ in range(number))


def made(form: str) -> str:
    """Return a text of a form, in which `<h32>` stands for 32 hexadecimal digits, and so on."""
    return re.sub(
        r"<([haAm0])(\d+)>", lambda match: _some(match[1], int(match[2]), f"{form} {match.start()}"), form
    )


UUID = "<h8>-<h4>-<h4>-<h4>-<h12>"
TOKENS = {
    "1password-secret-key": "A3-<A6>-<A11>-<A5>-<A5>-<A5>",
    "1password-service-account-token": "ops_eyJ<m260>",
    "adobe-client-secret": "p8e-<a32>",
    "age-secret-key": "AGE-SECRET-KEY-1<A58>",
    "airtable-personnal-access-token": "pat<m14>.<h64>",
    "alibaba-access-key-id": "LTAI<a20>",
    "anthropic-admin-api-key": "sk-ant-admin01-<m93>AA",
    "anthropic-api-key": "sk-ant-api03-<m93>AA",
    "artifactory-api-key": "AKCp<m69>",
    "artifactory-reference-token": "cmVmdGtu<m56>",
    "atlassian-api-token": "ATATT3<m186>",
    "authress-service-client-access-key": "sc_<a10>.<a5>.acc_<a20>.<a40>",
    "aws-access-token": "AKIAQYLPMN5HXXXXIOZB",
    "aws-amazon-bedrock-api-key-long-lived": "ABSK<m110>",
    "azure-ad-client-secret": "abc8Q~<m34>",
    "clickhouse-cloud-api-secret-key": "4b1d<m38>",
    "clojars-api-token": "CLOJARS_<a60>",
    "cloudflare-origin-ca-key": "v1.0-<h24>-<h146>",
    "curl-auth-header": "curl -H 'Authorization: Bearer <m40>' https://api.example.com",
    "curl-auth-user": "curl -u me:<m20> https://api.example.com",
    "databricks-api-token": "dapi<h32>",
    "defined-networking-api-token": "dnkey-<a26>-<a52>",
    "digitalocean-access-token": "doo_v1_<h64>",
    "digitalocean-pat": "dop_v1_<h64>",
    "digitalocean-refresh-token": "dor_v1_<h64>",
    "doppler-api-token": "dp.pt.<a43>",
    "dropbox-short-lived-api-token": "dropbox=sl.<m135>",
    "duffel-api-token": "duffel_live_<a43>",
    "dynatrace-api-token": "dt0c01.ABCDEFGHIJKLMNOPQRSTUVWX." + "ABCD2345" * 8,
    "easypost-api-token": "EZAK<a54>",
    "easypost-test-api-token": "EZTK<a54>",
    "facebook-page-access-token": "EAAM<m110>",
    "flutterwave-encryption-key": "FLWSECK_TEST-<h12>",
    "flutterwave-secret-key": "FLWSECK_TEST-<h32>-X",
    "flyio-access-token": "fo1_<m43>",
    "frameio-api-token": "fio-u-<a64>",
    "gcp-api-key": "AIza<m35>",
    "github-app-token": "ghu_<m36>",
    "github-fine-grained-pat": "github_pat_<m82>",
    "github-oauth": "gho_<m36>",
    "github-pat": "ghp_<m36>",
    "github-refresh-token": "ghr_<m36>",
    "gitlab-cicd-job-token": "glcbt-<h2>_<m20>",
    "gitlab-deploy-token": "gldt-<m20>",
    "gitlab-feature-flag-client-token": "glffct-<m20>",
    "gitlab-feed-token": "glft-<m20>",
    "gitlab-incoming-mail-token": "glimt-<m25>",
    "gitlab-kubernetes-agent-token": "glagent-<m50>",
    "gitlab-oauth-app-secret": "gloas-<m64>",
    "gitlab-pat": "glpat-<m20>",
    "gitlab-ptt": "glptt-<h40>",
    "gitlab-rrt": "GR1348941<m20>",
    "gitlab-runner-authentication-token": "glrt-<m20>",
    "gitlab-scim-token": "glsoat-<m20>",
    "gocardless-api-token": "gocardless=live_<m40>",
    "grafana-api-key": "eyJrIjoi<m80>",
    "grafana-cloud-api-token": "glc_<m40>",
    "grafana-service-account-token": "glsa_<m32>_<h8>",
    "harness-api-key": "pat.<m22>.<h24>.<m20>",
    "hashicorp-tf-api-token": "<m14>.atlasv1.<m64>",
    "hashicorp-tf-password": 'administrator_login_password = "<m12>"',
    "heroku-api-key-v2": "HRKU-AA<m58>",
    "huggingface-access-token": "hf_<m34>",
    "huggingface-organization-api-token": "api_org_<m34>",
    "infracost-api-token": "ico-<m32>",
    "intra42-client-secret": "s-s4t2ud-<h64>",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.<m43>",
    "kubernetes-secret-yaml": "kind: Secret\ndata:\n  key: <m40>",
    "linear-api-key": "lin_api_<m40>",
    "mailchimp-api-key": "mailchimp=<h32>-us12",
    "mailgun-private-api-token": "mailgun=key-<h32>",
    "maxmind-license-key": "<m6>_<m29>_mmk",
    "microsoft-teams-webhook": f"https://acme.webhook.office.com/webhookb2/{UUID}@{UUID}/IncomingWebhook/<h32>/{UUID}",
    "new-relic-browser-api-token": "newrelic=NRJS-<h19>",
    "new-relic-insert-key": "newrelic=NRII-<m32>",
    "new-relic-user-api-key": "newrelic=NRAK-<A27>",
    "notion-api-token": "ntn_<011><m35>",
    "npm-access-token": "npm_<m36>",
    "nuget-config-password": '<add key="ClearTextPassword" value="<m16>" />',
    "octopus-deploy-api-key": "API-<A26>",
    "openai-api-key": "sk-proj-<m74>T3BlbkFJ<m74>",
    "openshift-user-token": "sha256~<m43>",
    "perplexity-api-key": "pplx-<m48>",
    "plaid-api-token": f"plaid=access-sandbox-{UUID}",
    "planetscale-api-token": "pscale_tkn_<m43>",
    "planetscale-oauth-token": "pscale_oauth_<m43>",
    "planetscale-password": "pscale_pw_<m43>",
    "postman-api-token": "PMAK-<h24>-<h34>",
    "prefect-api-token": "pnu_<m36>",
    "private-key": "-----BEGIN PRIVATE KEY-----\n<m64>\n<m64>\n-----END PRIVATE KEY-----",
    "pulumi-api-token": "pul-<h40>",
    "pypi-upload-token": "pypi-AgEIcHlwaS5vcmc<m60>",
    "readme-api-token": "rdme_<a70>",
    "rubygems-api-token": "rubygems_<h48>",
    "scalingo-api-token": "tk-us-<m48>",
    "sendgrid-api-token": "SG.<m22>.<m43>",
    "sendinblue-api-token": "xkeysib-<h64>-<m16>",
    "sentry-org-token": "sntrys_eyJpYXQiO<m60>LCJyZWdpb25fdXJs<m40>_<m43>",
    "sentry-user-token": "sntryu_<h64>",
    "settlemint-application-access-token": "sm_aat_<m16>",
    "settlemint-personal-access-token": "sm_pat_<m16>",
    "settlemint-service-access-token": "sm_sat_<m16>",
    "shippo-api-token": "shippo_live_<h40>",
    "shopify-access-token": "shpat_<h32>",
    "shopify-custom-access-token": "shpca_<h32>",
    "shopify-private-app-access-token": "shppa_<h32>",
    "shopify-shared-secret": "shpss_<h32>",
    "sidekiq-sensitive-url": "https://<h8>:<h8>@gems.contribsys.com/",
    "slack-app-token": "xapp-1-<A11>-<013>-<h64>",
    "slack-bot-token": "xoxb-<012>-<012>-<m24>",
    "slack-config-access-token": "xoxe.xoxb-1-<A164>",
    "slack-config-refresh-token": "xoxe-1-<A146>",
    "slack-legacy-bot-token": "xoxb-<010>-<m24>",
    "slack-legacy-token": "xoxs-<010>-<010>-<010>-<h32>",
    "slack-legacy-workspace-token": "xoxa-<m24>",
    "slack-user-token": "xoxp-<012>-<012>-<012>-<h32>",
    "slack-webhook-url": "https://hooks.slack.com/services/<m44>",
    "sourcegraph-access-token": "sgp_<h40>",
    "square-access-token": "sq0atp-<m22>",
    "stripe-access-token": "sk_live_<m24>",
    "telegram-bot-api-token": "telegram=<010>:AA<m33>",
    "twilio-api-key": "SK<h32>",
    "typeform-api-token": "typeform=tfp_<m59>",
    "vault-batch-token": "hvb.<m140>",
    "vault-service-token": "hvs.<m95>",
    "yandex-access-token": "yandex=t1.<m20>.<m86>",
    "yandex-api-key": "yandex=AQVN<m36>",
    "generic-api-key": "api_key = '<m32>'",
    "database-password": "db_password=<m16>",
}
"""Rules of tokens that are known by themselves."""

NAMED = {
    "adafruit-api-key": "adafruit=<a32>",
    "airtable-api-key": "airtable=key<m14>",
    "algolia-api-key": "algolia=<a32>",
    "alibaba-secret-key": "alibaba=<a30>",
    "asana-client-secret": "asana=<a32>",
    "beamer-api-token": "beamer=b_<a44>",
    "bitbucket-client-secret": "bitbucket=<a64>",
    "bittrex-access-key": "bittrex=<a32>",
    "bittrex-secret-key": "bittrex: <a32>",
    "cisco-meraki-api-key": "meraki=<h40>",
    "cloudflare-api-key": "cloudflare=<a40>",
    "cloudflare-global-api-key": "cloudflare=<h37>",
    "codecov-access-token": "codecov=<a32>",
    "cohere-api-token": "cohere_token=<m40>",
    "coinbase-access-token": "coinbase=<a64>",
    "confluent-secret-key": "confluent=<a64>",
    "contentful-delivery-api-token": "contentful=<a43>",
    "datadog-access-token": "datadog=<a40>",
    "discord-api-token": "discord=<h64>",
    "discord-client-secret": "discord='<a32>'",
    "droneci-access-token": "droneci=<a32>",
    "dropbox-long-lived-api-token": "dropbox=<a11>AAAAAAAAAA<a43>",
    "etsy-access-token": "etsy=<a24>",
    "facebook-secret": "facebook=<h32>",
    "fastly-api-token": "fastly=<a32>",
    "finicity-api-token": "finicity=<h32>",
    "finicity-client-secret": "finicity=<a20>",
    "finnhub-access-token": "finnhub=<a20>",
    "flickr-access-token": "flickr=<a32>",
    "freshbooks-access-token": "freshbooks=<a64>",
    "gitter-access-token": "gitter=<a40>",
    "heroku-api-key": f"heroku={UUID}",
    "hubspot-api-key": f"hubspot={UUID}",
    "intercom-api-key": "intercom=<a60>",
    "jfrog-api-key": "artifactory=<a73>",
    "jfrog-identity-token": "jfrog=<a64>",
    "kraken-access-token": "kraken=<a80>",
    "kucoin-access-token": "kucoin=<h24>",
    "kucoin-secret-key": f"kucoin={UUID}",
    "launchdarkly-access-token": "launchdarkly=<a40>",
    "mailgun-signing-key": "mailgun=<h32>-<h8>-<h8>",
    "mattermost-access-token": "mattermost=<a26>",
    "messagebird-api-token": "messagebird=<a25>",
    "netlify-access-token": "netlify=<a43>",
    "new-relic-user-api-id": "newrelic=<a64>",
    "nytimes-access-token": "nytimes=<a32>",
    "okta-access-token": "okta=00<a40>",
    "plaid-secret-key": "plaid=<a30>",
    "privateai-api-token": "private_ai=<a32>",
    "rapidapi-access-token": "rapidapi=<a50>",
    "sendbird-access-token": "sendbird=<h40>",
    "sentry-access-token": "sentry=<h64>",
    "snyk-api-token": f"snyk_token={UUID}",
    "sonar-api-token": "sonar_login=<a40>",
    "squarespace-access-token": f"squarespace={UUID}",
    "sumologic-access-token": "sumo=<a64>",
    "travisci-access-token": "travis=<a22>",
    "twitch-api-token": "twitch=<a30>",
    "twitter-access-secret": "twitter=<a45>",
    "twitter-access-token": "twitter=<018>-<m30>",
    "twitter-api-key": "twitter: <a25>",
    "twitter-api-secret": "twitter=<a50>",
    "twitter-bearer-token": "twitter=AAAAAAAAAAAAAAAAAAAAAA<m90>",
    "yandex-aws-access-token": "yandex=YC<m38>",
    "zendesk-secret-key": "zendesk=<a40>",
}
"""Rules of tokens that only the name of their vendor tells from other texts."""

LEFT = {
    "adobe-client-id": "an id of an application is no secret",
    "asana-client-id": "likewise",
    "bitbucket-client-id": "likewise",
    "discord-client-id": "likewise",
    "linkedin-client-id": "likewise",
    "messagebird-client-id": "likewise",
    "plaid-client-id": "likewise",
    "sendbird-access-id": "likewise",
    "sumologic-access-id": "likewise",
    "flutterwave-public-key": "is public",
    "lob-pub-api-key": "is public",
    "mailgun-pub-key": "is public; taken all the same",
    "mapbox-api-token": "of the public kind alone",
    "facebook-access-token": "the number of an application, a bar and its secret: fits tables of numbers",
    "freemius-secret-key": "stands in PHP alone",
    "linear-client-secret": "the word is one of every model (`linear`), with digests behind it",
    "linkedin-client-secret": "16 letters behind a name: fits names of accounts",
    "confluent-access-token": "likewise",
    "dropbox-api-token": "15 letters behind a name: fits versions and names",
    "lob-api-key": "the word is part of `global` and `blob`",
    "pkcs12-file": "is about names of files",
    "sidekiq-secret": "8 digits, a colon and 8 more, as in times and addresses",
}
"""Rules that are not taken, and why."""


def is_taken(text: str) -> bool:
    return "«redacted:" in redact(text)


@pytest.mark.parametrize("rule", [*TOKENS, *NAMED])
def test_what_a_rule_finds_is_taken(rule: str) -> None:
    text = made((TOKENS | NAMED)[rule])
    assert is_taken(text), text


@pytest.mark.parametrize("rule", NAMED)
@pytest.mark.parametrize(
    "form", ['"{name}": "{value}"', "export {NAME}='{value}'", "{name} => {value}", "{name}_v2: {value}"]
)
def test_a_token_is_known_by_the_name_of_its_vendor_however_it_is_written(rule: str, form: str) -> None:
    name, _, value = made(NAMED[rule]).replace(": ", "=").partition("=")
    value = value.strip("'")
    assert is_taken(form.format(name=name, NAME=name.upper(), value=value))


@pytest.mark.parametrize(
    "text",
    [
        "TRAVIS_COMMIT=" + hashlib.sha1(b"x", usedforsecurity=False).hexdigest(),
        "codecov_sha: " + hashlib.sha1(b"x", usedforsecurity=False).hexdigest(),
        "facebook/opt-125m: facebook-opt-125m-snapshot",
        "datadog-agent: datadog-agent-7.52.0-1.x86_64",
        "sentry.release=model-server-2026-11-29-build",
        "mattermost_digest = " + "ab12" * 16,
        "cloudflare: https://one.one.one.one/help",
        "twitter: twitterdevelopmentteam",
        "heroku_app_name=acme-production-web",
    ],
)
def test_what_stands_behind_a_vendor_is_not_always_a_token(text: str) -> None:
    assert text == redact(text)


def test_every_rule_is_taken_or_left_for_a_reason() -> None:
    assert len(TOKENS | NAMED | LEFT) == len(TOKENS) + len(NAMED) + len(LEFT)
    assert all(LEFT.values())
    assert len(TOKENS) + len(NAMED) > 190


if __name__ == "__main__":
    for name, form in (TOKENS | NAMED).items():
        print(f"{name:40} {'taken' if is_taken(made(form)) else 'NOT TAKEN'}")
    for name, why in LEFT.items():
        print(f"{name:40} left: {why}")
