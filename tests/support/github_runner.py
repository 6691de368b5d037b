"""What GitHub's runner makes of a step's log, after its ActionCommand.cs and ActionCommandManager.cs."""

import re
from dataclasses import dataclass, field

IGNORABLE = "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u200b\u200c\u200d\ufe0f\ufeff"
"""Characters that .NET does not see when it compares texts by the rules of a language."""
DOES = {
    *("add-mask", "add-matcher", "debug", "echo", "error", "group", "endgroup", "notice", "remove-matcher"),
    *(
        "save-state",
        "set-env",
        "add-path",
        "set-output",
        "stop-commands",
        "warning",
        "internal-set-repo-path",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Done:
    """A command that the runner has carried out."""

    name: str
    message: str
    properties: dict[str, str] = field(default_factory=dict)


class Runner:
    """Reads a log line by line."""

    def __init__(self, log):
        self.done = []
        self.plain = []
        """Lines that are no command, or none while the log is closed."""
        self.stopped = ""
        for line in re.split(r"\r\n|\r|\n", log):
            self._read(line)

    def named(self, *names):
        """Return the commands of these names."""
        return [item for item in self.done if item.name in names]

    @property
    def others(self):
        """Commands that a run has no reason to give."""
        ours = {"error", "warning", "notice", "group", "endgroup", "stop-commands"}
        return [item for item in self.done if item.name not in ours]

    def _read(self, line):
        found = self._parse(line)
        if found is None:
            self.plain.append(line)
        elif self.stopped:
            if found.name.lower() == self.stopped.lower():
                self.stopped = ""
            else:
                self.plain.append(line)
        elif found.name == "stop-commands":
            self.stopped = found.message
            self.done.append(found)
        else:
            self.done.append(found)

    def _parse(self, line):
        known = {*DOES, self.stopped.lower()} - {""}
        line = line.translate(dict.fromkeys(map(ord, IGNORABLE)))
        begins = line.lstrip()
        if begins.startswith("::") and (end := begins.find("::", 2)) > 0:
            found = self._command(begins[2:end], begins[end + 2 :])
            if found.name.lower() in known:
                return found
        start = line.find("##[")
        if start >= 0 and (end := line.find("]", start)) > 0:
            found = self._command(line[start + 3 : end], line[end + 1 :])
            if found.name.lower() in known:
                return found
        return None

    def _command(self, head, message):
        name, _, given = head.partition(" ")
        properties = dict(item.split("=", 1) for item in given.split(",") if "=" in item)
        properties = {key.strip(): self._text(value) for key, value in properties.items()}
        return Done(name=name, message=self._text(message), properties=properties)

    @staticmethod
    def _text(value):
        for escaped, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
            value = value.replace(escaped, character)
        return value
