"""Questions that controls asked of hosts before: a good first wave for the next host.

Kept in memory during a run and, for the next run, in one small file for each control and set of parameters.
A file there is a list of commands that will run on hosts, so it is believed only where nobody else can write.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from pytest_aisec.observe.redaction.redact import MARK
from pytest_aisec.observe.waves import Suggestions

FORMAT = 1
ONCE = "# asked once"
"""In a question that must not be asked again: it holds what is fresh in every run."""
_OFTEN = 0.5
"""A question is suggested when at least this share of the hosts needed it."""
_FADES = 0.5
"""What earlier runs weigh against the last one; they are halved with every run."""


class Learned(Suggestions):
    """Counts, for each control, which commands hosts needed.

    Args:
        keys: control id, perhaps with `GROUP/` in front → a text that changes with everything that
            changes the control's questions.
        directory: where it is kept between runs; `None` for nowhere.

    """

    def __init__(self, keys: Mapping[str, str], directory: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._directory = directory
        self._files = {
            control: f"{control.rpartition('/')[2]}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"
            for control, key in keys.items()
        }
        self._before = {control: self._read(name) for control, name in self._files.items()}
        self._now: dict[str, Counter[str]] = {control: Counter() for control in keys}
        self._hosts: Counter[str] = Counter()

    def suggest(self, suits: Callable[[str], bool] = lambda _control: True) -> list[str]:
        """Return the commands that most hosts needed for controls that suit a host, sorted."""
        with self._lock:
            return sorted(
                {text for control in self._files if suits(control) for text in self._often(control)}
            )

    def everything(self) -> list[str]:
        """Return every command that any host needed, sorted."""
        with self._lock:
            return sorted(
                {text for control in self._files for text in (*self._before[control][1], *self._now[control])}
            )

    def unknown(self) -> list[str]:
        """Return the controls of which nothing has been learned."""
        with self._lock:
            return [
                control for control in self._files if not (self._before[control][0] + self._hosts[control])
            ]

    def learn(self, needed: Mapping[str, Iterable[str]]) -> None:
        """Take in which commands each control asked of one host, as the transcript has them."""
        with self._lock:
            for control, commands in needed.items():
                if control in self._now:
                    self._hosts[control] += 1
                    # What has been redacted cannot be asked again.
                    again = {text for text in commands if ONCE not in text and not MARK.search(text)}
                    self._now[control].update(again)

    def save(self) -> None:
        """Keep what was learned for the next run; where that is impossible, the next run learns again."""
        if self._directory is None or not any(self._hosts.values()):
            return
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _is_private(self._directory):
                return
            for control, name in self._files.items():
                if self._hosts[control]:
                    self._write(name, control)
        except OSError:
            return

    def _often(self, control: str) -> list[str]:
        hosts, before = self._before[control]
        total = hosts + self._hosts[control]
        counts = Counter(before) + self._now[control]
        return [text for text, count in counts.items() if count >= _OFTEN * total]

    def _write(self, name: str, control: str) -> None:
        hosts, before = self._before[control]
        counts: dict[str, float] = {text: count * _FADES for text, count in before.items()}
        for text, count in self._now[control].items():
            counts[text] = counts.get(text, 0.0) + count
        total = hosts * _FADES + self._hosts[control]
        kept = {text: round(count, 3) for text, count in sorted(counts.items()) if count >= 0.1 * total}
        data = {"format": FORMAT, "hosts": round(total, 3), "commands": kept}
        directory = str(self._directory)
        descriptor, path = tempfile.mkstemp(prefix=f".{name}.", dir=directory)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                json.dump(data, stream, indent=1)
            Path(path).rename(Path(directory) / name)
        except BaseException:
            Path(path).unlink(missing_ok=True)
            raise

    def _read(self, name: str) -> tuple[float, dict[str, float]]:
        if self._directory is None:
            return 0.0, {}
        path = self._directory / name
        try:
            if not (_is_private(self._directory) and _is_private(path)):
                return 0.0, {}
            data: Any = json.loads(path.read_text(encoding="utf-8"))
            if data["format"] != FORMAT:
                return 0.0, {}
            return float(data["hosts"]), {str(text): float(count) for text, count in data["commands"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return 0.0, {}


def _is_private(path: Path) -> bool:
    """Tell whether only this user (or root) can have written `path`."""
    found = path.stat(follow_symlinks=False)
    return found.st_uid in {os.geteuid(), 0} and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def default_directory() -> Path:
    """Return where the learned first waves are kept: below `XDG_CACHE_HOME`, or `~/.cache`."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(base) if base.startswith("/") else Path("~/.cache").expanduser()
    return root / "pytest-aisec" / "questions"
