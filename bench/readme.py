"""Make the run that README shows, on two hosts of the lab, and the picture of its report.

    python bench/readme.py [--picture docs/report.png]

Root on Debian, with a Chromium on PATH. What it prints is what README shows.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from pytest_aisec.report import pdf

ROOT = Path(__file__).parents[1]
PROFILE = """\
id: gpu-nodes
title: Our GPU nodes
version: 1.0.0
extends: [training-node]
params:
  model_dirs: [/srv/models]
  data_dirs: [/mnt/ai_training_data]
  permit_root: prohibit-password
exclude:
  AISEC-ART-01: The volumes are encrypted by the cloud.
  AISEC-ART-07: Models are signed from release 2 on.
  AISEC-DAT-04: The volumes are encrypted by the cloud.
  AISEC-NET-04: The firewall of the site logs what leaves.
"""
SIZE = (1200, 1195)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--picture", type=Path, help="where the picture of the report goes")
    options = parser.parse_args()
    from pytest_aisec.testing.labkit.lab import Lab  # noqa: PLC0415 - found only now

    with tempfile.TemporaryDirectory() as directory, Lab() as lab, ExitStack() as stack:
        here = Path(directory)
        hosts = [stack.enter_context(host) for host in lab.hosts(2)]
        for host in hosts:
            host.sh((ROOT / "tests/lab/hardened.sh").read_text(encoding="utf-8"))
        hosts[1].sh("chmod 0755 /srv/models; chmod 0777 /mnt/ai_training_data")
        names = [f"Host gpu-{number}\n  HostName {host.address}\n" for number, host in enumerate(hosts, 1)]
        config = here / "ssh_config"
        config.write_text("".join(names) + lab.ssh_config.read_text(encoding="utf-8"), encoding="utf-8")
        (here / "gpu-nodes.yaml").write_text(PROFILE, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "--aisec-profile", "gpu-nodes.yaml"]
        command += ["--hosts=ssh://root@gpu-1,ssh://root@gpu-2", f"--ssh-config={config}"]
        # Nothing learned of earlier runs: what README shows is a first one.
        environment = {**os.environ, "COLUMNS": "80", "XDG_CACHE_HOME": f"{here}/cache"}
        with lab.enter():
            subprocess.run(command, cwd=here, env=environment, check=False)
        (bundle,) = (here / "aisec-evidence").iterdir()
        if options.picture:
            argv = [pdf.browser(), "--headless", *pdf.FLAGS, f"--user-data-dir={here}/profile"]
            argv += ["--hide-scrollbars", f"--window-size={SIZE[0]},{SIZE[1]}"]
            argv += [f"--screenshot={options.picture.resolve()}", (bundle / "report.html").as_uri()]
            subprocess.run(argv, check=True, capture_output=True)


if __name__ == "__main__":
    main()
