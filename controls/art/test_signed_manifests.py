import fnmatch
import posixpath
from collections.abc import Callable

from pytest_aisec import Host, Unobservable, control, is_declared, not_applicable, not_reviewed, raise_unless
from pytest_aisec.facts.artifacts.digests import sha256
from pytest_aisec.facts.artifacts.model_files import ModelFile, model_files, read_range
from pytest_aisec.facts.artifacts.signed_manifests import NoManifest, TrustedKeys, read_manifest
from pytest_aisec.facts.artifacts.signed_manifests import trusted_keys as read_keys
from pytest_aisec.facts.core.together import outcomes
from pytest_aisec.facts.system.elsewhere import elsewhere

_LARGEST = 5_000_000


def _is_ignored(file: ModelFile, ignore: list[str]) -> bool:
    name = posixpath.basename(file.path)
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in ignore) or (
        "/.git/" in file.path and any(fnmatch.fnmatchcase(".git", pattern) for pattern in ignore)
    )


def _reading(host: Host, file: ModelFile) -> Callable[[], bytes]:
    def read() -> bytes:
        if file.size > _LARGEST:
            raise Unobservable("truncated", f"{file.path}: {file.size} bytes are too many for a manifest")
        return read_range(host, file, 0, file.size) if file.size else b""

    return read


@control(
    "AISEC-ART-07",
    severity="high",
    objectives=["model_integrity"],
    nist_800_53=["CM-14"],
    nist_ai_rmf=["MANAGE 3.1"],
    remediation=(
        "Where the model was approved: model_signing sign key --private_key KEY --signature "
        "MODEL/{signature_name} --ignore-paths MODEL/{signature_name} MODEL; name the public key in "
        "trusted_keys, and replace files that do not match"
    ),
    remediation_is_words="models are signed where they were approved, with a key that is not on the host",
)
def test_models_match_a_signed_manifest(
    host: Host,
    *,
    model_dirs: list[str] = ["/srv/models"],
    trusted_keys: list[str] = [],
    signature_name: str = "model.sig",
    ignore: list[str] = [".git*", "*.md", "model.sig"],
) -> None:
    """Model files match a signed manifest.

    Whoever can exchange weights decides what the model does. Signatures are verified on the controlling
    machine with the public keys (PEM files there) in trusted_keys; the host computes the digests.
    """
    keys = read_keys(trusted_keys)
    seen = model_files(host, model_dirs)
    faults = list(seen.faults)
    wrong = {path: "declared, but absent" for path in seen.absent if is_declared("model_dirs")}
    signatures = [file for file in seen.files if posixpath.basename(file.path) == signature_name]
    listed = _listed(host, signatures, keys, wrong, faults)
    files = {file.path: file for file in seen.files}
    digests = sha256(host, [files[path] for path in listed if path in files])
    for path, expected in listed.items():
        digest = digests.get(path)
        if isinstance(digest, Unobservable):
            faults.append(digest)
        elif digest not in expected or len(expected) > 1:
            wrong[path] = "missing" if digest is None else "not as signed"
    judged = [file for file in seen.files if file not in signatures and not _is_ignored(file, ignore)]
    wrong.update({file.path: "in no signed manifest" for file in judged if file.path not in listed})
    raise_unless(wrong, faults)
    if not wrong and not judged:
        beside = elsewhere(host, "weights", "model_dirs", model_dirs)
        not_applicable(
            f"no model in {', '.join(model_dirs)}", claims=seen.claims("model_dirs"), elsewhere=beside
        )
    if not wrong and keys is None:
        not_reviewed("all files are as listed; whose signature counts is for trusted_keys to say")
    assert wrong == {}


def _listed(
    host: Host,
    signatures: list[ModelFile],
    keys: TrustedKeys | None,
    wrong: dict[str, str],
    faults: list[Unobservable],
) -> dict[str, set[str]]:
    """Return the digests that manifests list, by path; what is amiss goes to `wrong` and `faults`."""
    answers = outcomes([_reading(host, file) for file in signatures])
    listed: dict[str, set[str]] = {}
    for file, answer in zip(signatures, answers, strict=True):
        if isinstance(answer, Unobservable):
            faults.append(answer)
            continue
        try:
            manifest = read_manifest(answer, keys)
        except NoManifest as lack:
            wrong[file.path] = str(lack)
            continue
        if keys is not None and not manifest.is_trusted:
            wrong[file.path] = "not signed by a trusted key"
            continue
        for name, digest in manifest.digests.items():
            listed.setdefault(posixpath.join(posixpath.dirname(file.path), name), set()).add(digest)
    return listed
