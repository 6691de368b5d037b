"""The place of a bundle, which is whole there or absent."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NoReturn, Protocol

from pytest_aisec.errors import EvidenceError
from pytest_aisec.evidence import manifest


class _Digest(Protocol):
    """The part of hashlib's objects that is needed here."""

    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


class Claim:
    """A place for a bundle, taken before any host is contacted.

    The files are written to a temporary sibling, which becomes the bundle at the end.

    Args:
        directory: the place.
        mode: of the directories that are made, and with it whether others may read files: they hold what
            root read on the hosts.

    Raises:
        EvidenceError: when the directory is not empty, is no directory, or cannot be written.

    """

    def __init__(self, directory: Path, mode: int = 0o700) -> None:
        self.directory = directory
        self._mode = mode
        self._digests: dict[str, str] = {}
        self._open: dict[str, tuple[BinaryIO, _Digest]] = {}
        try:
            if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
                raise EvidenceError(
                    f"evidence cannot be written to {directory}: it is not an empty directory"
                )
            parent = directory.absolute().parent
            self._made = [path for path in (parent, *parent.parents) if not path.exists()]
            for path in reversed(self._made):
                self._make(path)
            self._partial = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=parent))
        except OSError as error:
            raise EvidenceError(f"evidence cannot be written to {directory}: {error.strerror}") from None

    def add(self, path: str, chunks: Iterable[bytes]) -> None:
        """Write one file of the bundle, given piece by piece.

        Raises:
            EvidenceError: when it cannot be written; nothing of the bundle remains.

        """
        self.put(path, b"")
        for chunk in chunks:
            self.put(path, chunk)
        self._close(path)

    def digest(self, path: str) -> str:
        """Return the SHA-256, hexadecimal, of a file that was added."""
        return self._digests[path]

    @property
    def digests(self) -> Mapping[str, str]:
        """Every file that was added, with its SHA-256, hexadecimal."""
        return self._digests

    def put(self, path: str, chunk: bytes) -> None:
        """Write the next piece of one file; several may be open until `finish`. Raises like `add`."""
        try:
            if path not in self._open:
                target = self._partial / path
                for directory in reversed(PurePosixPath(path).parents):
                    self._make(self._partial / directory)
                self._open[path] = self._create(target), hashlib.sha256()
            stream, digest = self._open[path]
            stream.write(chunk)
        except OSError as error:
            self._fail(error)
        digest.update(chunk)

    def _make(self, directory: Path) -> None:
        """Make a directory, if it is not there, with our mode whatever the umask is."""
        with contextlib.suppress(FileExistsError):
            directory.mkdir(mode=0o700)
            directory.chmod(self._mode)

    def _create(self, path: Path) -> BinaryIO:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        os.fchmod(descriptor, self._mode & 0o666)
        return os.fdopen(descriptor, "wb")

    def _close(self, path: str) -> None:
        stream, digest = self._open.pop(path)
        try:
            with stream:
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            self._fail(error)
        self._digests[path] = digest.hexdigest()

    def finish(self, sign: Callable[[bytes], Mapping[str, bytes]] | None = None) -> None:
        """Add the manifest and make what was added the bundle, all or nothing; raises like `add`.

        Args:
            sign: what gives files that sign the manifest, by name; it may raise `EvidenceError`.

        """
        for path in [*self._open]:
            self._close(path)
        listing = manifest.render(self._digests).encode()
        self.add(manifest.NAME, [listing])
        try:
            signatures = sign(listing) if sign else {}
        except EvidenceError:
            self.release()
            raise
        for path, content in signatures.items():
            self.add(path, [content])
        try:
            self._partial.chmod(self._mode)
            self._partial.rename(self.directory)
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> NoReturn:
        self.release()
        raise EvidenceError(f"evidence cannot be written to {self.directory}: {error.strerror}") from None

    def release(self) -> None:
        """Give the place up: nothing of it remains."""
        for stream, _ in self._open.values():
            with contextlib.suppress(OSError):
                stream.close()
        self._open.clear()
        shutil.rmtree(self._partial, ignore_errors=True)
        for path in self._made:
            try:
                path.rmdir()
            except OSError:
                break
