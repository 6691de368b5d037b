"""Questions for Windows as one framed PowerShell script, so that an answer is whole or not believed.

The same guarantees as `batch.py` gives for `/bin/sh`. Every question runs in a runspace of its own, without
input: variables, functions, modules, location and preferences of one are unknown to the next. (They share a
process, so a question that sets an environment variable sets it for those behind it; controls set none.)
What it wrote and how it ended come as one line of plain ASCII: a marker, the question's number, the status,
both streams in base64, and the marker again. Whatever a question writes, it writes no such line, even where
the marker is known: Windows may log the text of scripts, for others to read. It is a fresh random number that
the script, which reaches PowerShell on its input, holds only in two halves. A question that takes too long
ends the script with it.

The script needs PowerShell 5.1 or 7 in FullLanguage mode and leaves nothing behind: no file and no job.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import time
from collections.abc import Iterator, Sequence

from pytest_aisec.observe.script.posix import Framed

# The program reads the script from its input: a command line holds 8191 characters on Windows.
BOOTSTRAP = (
    'powershell -NoProfile -NonInteractive -InputFormat Text -OutputFormat Text -Command "'
    "if($ExecutionContext.SessionState.LanguageMode -ne 'FullLanguage')"
    "{'aisec-language-mode '+$ExecutionContext.SessionState.LanguageMode;exit 3};"
    '&([scriptblock]::Create(@($input) -join [char]10))"'
)
"""What starts the program; it works the same through `cmd.exe`, which sees no character of its own."""
LANGUAGE_MODE = re.compile(rb"aisec-language-mode (\w+)")

_PRELUDE = """\
$ErrorActionPreference='Stop'
$ProgressPreference='SilentlyContinue'
$mark='@FIRST@'+'@SECOND@'
$cap=@CAP@
$limit=@LIMIT@
$utf8=New-Object System.Text.UTF8Encoding $false
function Say($text) { [Console]::Out.WriteLine($text); [Console]::Out.Flush() }
function Pack($text) {
$bytes=$utf8.GetBytes([string]$text)
[Convert]::ToBase64String($bytes,0,[Math]::Min($bytes.Length,$cap+1))
}
function Tell($record) {
$said=([string]$record.Exception.Message) -replace '\\s+',' '
if($record.FullyQualifiedErrorId -like 'NativeCommandError*') { return $said }
$root=$record.Exception.GetBaseException()
$kind='{0} {1} 0x{2:X8}' -f $record.CategoryInfo.Category,$root.GetType().Name,$root.HResult
'['+$kind+'] '+$said+' ('+$record.FullyQualifiedErrorId+')'
}
function Ask($number,$question) {
Say ($mark+'<'+$number)
$status=1
$output=''
$said=''
try {
$space=[System.Management.Automation.Runspaces.RunspaceFactory]::CreateRunspace()
$space.Open()
$shell=[System.Management.Automation.PowerShell]::Create()
$shell.Runspace=$space
[void]$shell.AddScript($question)
$nothing=New-Object 'System.Management.Automation.PSDataCollection[psobject]'
$nothing.Complete()
$objects=New-Object 'System.Management.Automation.PSDataCollection[psobject]'
$waiting=$shell.BeginInvoke($nothing,$objects)
if(-not $waiting.AsyncWaitHandle.WaitOne($limit)) {
Say ($mark+'!'+$number)
Stop-Process -Id $PID -Force
}
try { [void]$shell.EndInvoke($waiting) } catch { }
$ending=$shell.InvocationStateInfo
$records=@($shell.Streams.Error.ReadAll())
if($ending.Reason.ErrorRecord) { $records+=$ending.Reason.ErrorRecord }
$names=@($records | ForEach-Object { [string]$_.FullyQualifiedErrorId })
$names=@($names | Where-Object { $_ -notlike 'NativeCommandError*' })
$lacking=@($names | Where-Object { $_ -eq 'CommandNotFoundException' -or $_ -like 'CouldNotAutoload*' })
$native=$space.SessionStateProxy.GetVariable('LASTEXITCODE')
if($lacking.Count) { $status=127 }
elseif($names.Count -or $ending.State -ne 'Completed') { $status=1 }
elseif($native) { $status=[int]$native }
else { $status=0 }
$lines=@($records | ForEach-Object { Tell $_ })
if($ending.Reason -and -not $ending.Reason.ErrorRecord) { $lines+=[string]$ending.Reason.Message }
if($lines.Count) { $said=($lines -join [char]10)+[char]10 }
$written=@($objects.ReadAll())
if($written.Count) {
if(@($written | Where-Object { $_ -isnot [string] }).Count) { $output=$written | Out-String -Width 4096 }
else { $output=($written -join [char]10)+[char]10 }
}
$shell.Dispose()
$space.Dispose()
} catch {
$status=1
$said+=[string]$_+[char]10
}
Say ($mark+'>'+$number+' '+$status+' '+(Pack $output)+' '+(Pack $said)+' '+$mark)
}
"""
_PLAIN = re.compile(r"[\x20-\x7e\n\t]*")
_EXITS = re.compile(r"(?i)(?<![-\w$.'\"])exit\b")
_REFUSED = "throw 'a question for Windows ends with throw, not with exit, which would hide how it ended'"


def quote(command: str, *args: str) -> str:
    """Put `args` into `command`, each as a literal string of PowerShell."""
    return command % tuple(_literal(arg) for arg in args) if args else command


def _literal(text: str) -> str:
    # PowerShell takes typographic single quotes for single quotes.
    return "'" + re.sub("['\u2018\u2019\u201a\u201b]", r"\g<0>\g<0>", text) + "'"


def _asking(index: int, question: str) -> str:
    if _EXITS.search(question):
        question = _REFUSED
    if _PLAIN.fullmatch(question):
        return f"Ask {index} {_literal(question)}\n"
    encoded = base64.b64encode(question.encode("utf-8", "replace")).decode("ascii")
    return f"Ask {index} ($utf8.GetString([Convert]::FromBase64String('{encoded}')))\n"


def size(question: str) -> int:
    """Return about how many bytes `question` takes in a script."""
    return 20 + 2 * len(question.encode("utf-8", "replace"))


class PowerShellBatch:
    """One script for some questions, and the reading of what it printed; see `batch.Batch`.

    Args:
        questions: PowerShell scripts, asked in this order, each in a runspace of its own.
        timeout: seconds for each, kept on the target.
        cap: bytes of each stream of an answer; a byte more is sent, so that a cut answer shows.

    """

    def __init__(self, questions: Sequence[str], *, timeout: float, cap: int) -> None:
        token = secrets.token_hex(16)
        self._token = token.encode()
        self._marker = re.compile(
            rb"%s(?:<(\d{1,6})|>(\d{1,6}) (-?\d{1,11}) ([A-Za-z0-9+/=]*) ([A-Za-z0-9+/=]*) %s"
            rb"|!(\d{1,6}))\r?\n" % (self._token, self._token)
        )
        self.count = len(questions)
        self.timeout = timeout
        prelude = _PRELUDE
        for name, value in {
            "@FIRST@": token[:16],
            "@SECOND@": token[16:],
            "@CAP@": str(cap),
            "@LIMIT@": str(max(1000, round(timeout * 1000))),
        }.items():
            prelude = prelude.replace(name, value)
        self.script = prelude + "".join(_asking(index, text) for index, text in enumerate(questions))

    def watch(self, cap: int) -> Watch:
        """Return a look-out for what the script prints; a longer line than two answers of `cap` is cut."""
        return Watch(self, cap)

    def began(self, stdout: bytes) -> bool:
        """Tell whether PowerShell on the target has run any part of the script."""
        return self._token in stdout

    def begun(self, stdout: bytes) -> int:
        """Return the number of the question that was being asked last; -1 before the first."""
        return max((int(found[1]) for found in self.markers(stdout) if found[1] is not None), default=-1)

    def ended_by_watchdog(self, stdout: bytes) -> bool:
        """Tell whether the target itself has ended the last question, because its time was up."""
        return any(found[6] is not None for found in self.markers(stdout))

    def read(self, stdout: bytes, _stderr: bytes) -> list[Framed | None]:
        """Return the answers in order, `None` for each that is not whole."""
        found: dict[int, Framed] = {}
        index = -1
        for marker in self.markers(stdout):
            if marker[1] is not None:
                index = int(marker[1])
            elif marker[2] is not None and int(marker[2]) == index and index not in found:
                try:
                    streams = [base64.b64decode(marker[each], validate=True) for each in (4, 5)]
                except binascii.Error:
                    continue
                found[index] = Framed(exit_status=int(marker[3]), stdout=streams[0], stderr=streams[1])
                index = -1
        return [found.get(number) for number in range(self.count)]

    def partial(self, _stdout: bytes, _stderr: bytes, _index: int = 0) -> tuple[bytes, bytes]:
        """Return what came of an answer that is not whole: an answer comes in one piece, so nothing."""
        return b"", b""

    def markers(self, stream: bytes | bytearray, start: int = 0) -> Iterator[re.Match[bytes]]:
        """Yield the lines with markers in `stream` from `start` on."""
        return self._marker.finditer(stream, start)


class Watch:
    """Follows the output of a script while it grows; see `batch.Watch`.

    Attributes:
        complete: the last answer has come; nothing of interest can follow.
        too_long: the answer that is coming is longer than both its streams may be.
        full: the answers together are longer than a script's may be; those that are whole count.
        progress: how many markers have come that say something new.
        times: question → the monotonic time at which its answer had come.

    """

    def __init__(self, batch: PowerShellBatch, cap: int) -> None:
        self._batch = batch
        self._room = 3 * (cap + 1024)
        self._read, self._seen, self._line = 0, 0, -1
        self.complete = self.too_long = self.full = False
        self.progress = 0
        self._known: set[tuple[bytes, int]] = set()
        self.times: dict[int, float] = {}

    def look(self, stdout: bytearray, _stderr: bytearray) -> None:
        """Take in what has come since the last look."""
        line = stdout.rfind(b"\n")
        if line > self._line:
            self._line = line
            for marker in self._batch.markers(stdout, self._read):
                self._take(marker)
            self._read = line + 1
        self.too_long |= len(stdout) - self._seen > self._room and not self.complete
        self.full = len(stdout) > 2 * self._room

    def _take(self, marker: re.Match[bytes]) -> None:
        number = int(marker[1] or marker[2] or marker[6])
        what = (b"<" if marker[1] else b">" if marker[2] else b"!", number)
        if what in self._known or number >= self._batch.count:
            return
        self._known.add(what)
        self._seen = marker.end()
        self.progress += 1
        if marker[2]:
            self.times[number] = time.monotonic()
            self.complete |= number == self._batch.count - 1
