"""One inference server with four faults: exactly these are found, and following the remediation mends them."""

from __future__ import annotations

from pathlib import Path

from tests.support.hardened import DECLARED, audit, outcomes

LIBRARY = Path(__file__).parents[1] / "scenarios/lib/containers.sh"
PROFILE = """\
id: chat-server
title: Our chat server
version: 1.0.0
extends: [inference-server]
params:
  require_mac: false
exclude:
  AISEC-ART-01: Hosts of the lab have no encrypted file system.
  AISEC-ART-07: Nothing is signed here.
  AISEC-CTR-01: There is no trivy.
  AISEC-CTR-09: There is no registry.
  AISEC-DAT-04: Hosts of the lab are overlays of the machine's file system.
  AISEC-NET-04: No packet leaves the lab to be logged.
  AISEC-SUP-01: There is no index of advisories.
  AISEC-SUP-02: The lab's Jupyter is an old one.
  AISEC-SUP-08: There is no index of advisories.
"""
JUPYTER = """
jupyter() {
    setsid setpriv --reuid ai_user --regid ai_user --clear-groups env -C / HOME=/home/ai_user \\
        PYTHONPATH=/opt/jupyter PYTHONDONTWRITEBYTECODE=1 \\
        python3 -m jupyter_server --port=8888 --no-browser "$@" > /dev/null 2>&1 < /dev/null &
    until curl -s -o /dev/null http://127.0.0.1:8888/api; do sleep 0.2; done
}
"""
"""Not a unit: systemd cannot make one after the containers' cgroups are mounted over its own."""
HARDENED = "--read-only --cap-drop=ALL --security-opt no-new-privileges --memory 64m --pids-limit 64"
FAULTS = f"""
{JUPYTER}
for tables in iptables ip6tables; do
    $tables -P OUTPUT ACCEPT
    $tables -D OUTPUT -o lo -j ACCEPT
    $tables -D OUTPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
done
podman_up
in_podman --name hardened --user 1000 {HARDENED}
in_podman --name root {HARDENED}
jupyter --IdentityProvider.token=
python3 -c 'import pickle; pickle.dump({{"weights": [1.0]}}, open("/srv/models/model.pkl", "wb"))'
chown ai_user:ai_team /srv/models/model.pkl
chmod 0640 /srv/models/model.pkl
"""
DENY = (
    "for t in iptables ip6tables; do $t -I OUTPUT -o lo -j ACCEPT; $t -I OUTPUT -m conntrack --ctstate "
    "ESTABLISHED,RELATED -j ACCEPT; $t -P OUTPUT DROP; $t -P FORWARD DROP; done"
)
REMEDIES = {
    # remediation, its words → what an engineer does
    "AISEC-API-03": (
        "take token=''",
        f"{JUPYTER}\npkill -u ai_user -f jupyter_server; while pgrep -u ai_user -f jupyter_server; do sleep 0.1; done; jupyter --ip=127.0.0.1",
    ),
    "AISEC-ART-04": ("remove it from /srv/models", "rm /srv/models/model.pkl"),
    "AISEC-CTR-02": (
        "podman run --user 1000:1000",
        f"podman rm -f -t 0 root; in_podman --name root --user 1000:1000 {HARDENED}",
    ),
    "AISEC-NET-02": (DENY, DENY),
}


def test_four_faults_are_found_and_their_remedies_mend_them(lab, tmp_path) -> None:
    library = "set -e\n" + LIBRARY.read_text(encoding="utf-8")
    profile = tmp_path / "chat-server.yaml"
    profile.write_text(PROFILE, encoding="utf-8")
    with lab.host(kind="services") as host:
        host.sh(Path(__file__).with_name("hardened.sh").read_text(encoding="utf-8"))
        host.sh(library + FAULTS)
        arguments = [
            f"--aisec-profile={profile}",
            f"--hosts={host.spec()}",
            f"--ssh-config={lab.ssh_config}",
            "--aisec-active",  # Jupyter is of an ordinary user: its word alone does not tell that it serves no model
            *DECLARED,
        ]
        broken, before = audit(tmp_path, *arguments)
        open_ = {
            name: outcome
            for name, outcome in outcomes(before, host.spec()).items()
            if outcome not in {"passed", "not_applicable"}
        }
        assert dict.fromkeys(REMEDIES, "failed") == open_, broken.stdout
        assert broken.returncode == 1
        remediation = {item["id"]: item["remediation"] for item in before["controls"]}
        for name, (words, remedy) in REMEDIES.items():
            assert words in remediation[name]
            host.sh(f"{library}\n{remedy}")
        mended, after = audit(tmp_path, *arguments)
        assert 0 == mended.returncode, mended.stdout
        assert {"passed"} == {outcomes(after, host.spec())[name] for name in REMEDIES} - {"not_applicable"}
