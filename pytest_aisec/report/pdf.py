"""The HTML report on paper, printed by a Chromium of this machine; no part of a bundle."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from pytest_aisec.errors import EvidenceError, UsageProblem

NAME = "pdf"
"""Value of `aisec report --format`."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
"""Names under which a Chromium may be found, in this order."""
FLAGS = (
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-sync",
    # Chromium's sandbox does not work for root.
    *(("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()),
)
_TIMEOUT = 600.0  # seconds


def browser() -> str:
    """Return the path of a Chromium; raise `UsageProblem` where there is none."""
    for name in BROWSERS:
        found = shutil.which(name)
        if found:
            return found
    raise UsageProblem(
        f"--format {NAME} is printed by Chromium, and PATH has none of {', '.join(BROWSERS)}. Install one, "
        "or print the HTML report from any browser"
    )


def write(html: str, target: Path, *, appendix: bool) -> None:
    """Print the text of an HTML report to `target`, a PDF file that takes the place of one that is there.

    Args:
        html: what `html.render` returned.
        target: the file.
        appendix: whether to print what is folded on the screen for its length: commands with their answers,
            and requirements without a control.

    """
    program = browser()
    with tempfile.TemporaryDirectory(prefix="aisec-pdf-", ignore_cleanup_errors=True) as directory:
        source, printed = Path(directory, "report.html"), Path(directory, "report.pdf")
        source.write_text(html, encoding="utf-8")
        argv = [program, "--headless", *FLAGS, f"--user-data-dir={directory}/profile"]
        argv += ["--no-pdf-header-footer", f"--print-to-pdf={printed}"]
        argv.append(source.as_uri() + ("" if appendix else "#without-appendix"))
        try:
            done = subprocess.run(
                argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT, check=False
            )
        except subprocess.TimeoutExpired:
            raise EvidenceError(f"{program} did not print the report within {_TIMEOUT:.0f} s") from None
        if not printed.exists():
            said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no message"]
            raise EvidenceError(f"{program} printed no PDF, exit status {done.returncode}: {said[-1]}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(printed, target)
        except OSError as error:
            raise UsageProblem(f"--to {target}: cannot be written: {error.strerror}") from None
