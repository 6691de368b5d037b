import re
from collections.abc import Mapping
from typing import Literal

from pytest_aisec import Host, Unobservable, control, is_declared, not_applicable, raise_unless
from pytest_aisec.facts.artifacts.at_rest import Storage, storage
from pytest_aisec.facts.artifacts.model_files import ModelFile, looks_like_weights, model_files
from pytest_aisec.facts.artifacts.openpgp import Message, read_message
from pytest_aisec.facts.system.elsewhere import elsewhere

Protection = Literal["openpgp-aes256", "luks-aes-xts-512", "fscrypt-aes256"]

_OPENPGP_NAMES = (".gpg", ".pgp", ".asc")
_NO_WEIGHTS = re.compile(
    r".*\.(png|jpe?g|gif|webp|ico|pdf|pyc)|(tokenizer|spiece|sentencepiece\.bpe|sp)\.model|\.gitattributes"
)
_SMALL = 64 * 1024 * 1024


def _holds_weights(file: ModelFile) -> bool:
    """Tell whether a file counts: all but text, and small files that are plainly something else."""
    if file.name.endswith(_OPENPGP_NAMES) or looks_like_weights(file):
        return file.kind != "empty"
    if file.kind == "empty" or file.is_text or "/.git/" in file.path:
        return False
    return file.size > _SMALL or _NO_WEIGHTS.fullmatch(file.name) is None


def _is_aes256(message: Message) -> bool:
    return not message.problem and message.cipher == "AES256" and set(message.key_ciphers) <= {"AES256"}


def _openpgp(message: Message) -> str:
    if message.problem:
        return message.problem
    return (
        f"encrypted with {', '.join(dict.fromkeys([*message.key_ciphers, *filter(None, [message.cipher])]))}"
    )


def _disk(stored: Storage, accept: list[Protection]) -> str:
    """Return why the file system does not protect what is in it; empty when it does."""
    where = f"{stored.mount.kind} at {stored.mount.point}"
    if stored.directory_policy:
        wrong = stored.directory_policy != "AES_256_XTS" or "fscrypt-aes256" not in accept
        return f"{where} encrypts with fscrypt {stored.directory_policy}" if wrong else ""
    weak = [
        volume for volume in stored.volumes if (volume.cipher, volume.key_bits) != ("aes-xts-plain64", 512)
    ]
    if weak:
        return f"{where} is encrypted with {weak[0].cipher} and a key of {weak[0].key_bits} bits"
    if stored.volumes and "luks-aes-xts-512" in accept:
        return ""
    return f"{where} is not encrypted" if not stored.volumes else f"{where}: disk encryption is not accepted"


@control(
    "AISEC-ART-01",
    severity="critical",
    objectives=["encryption_at_rest", "model_confidentiality"],
    remediation=(
        "for f in FILE; do (umask 077; gpg --batch --pinentry-mode loopback --passphrase-file "
        'PASSPHRASE_FILE --symmetric --cipher-algo AES256 "$f" && chown --reference="$f" "$f.gpg" && '
        'chmod --reference="$f" "$f.gpg" && chmod o= "$f.gpg" && shred -u "$f"); done  # or move '
        "{vault_dirs} to LUKS: cryptsetup luksFormat --cipher aes-xts-plain64 --key-size 512 DEVICE"
    ),
)
def test_stored_weights_are_encrypted(
    host: Host,
    *,
    vault_dirs: list[str] = ["/srv/models"],
    accept: list[Protection] = ["openpgp-aes256", "luks-aes-xts-512", "fscrypt-aes256"],
) -> None:
    """Stored model weights are encrypted with AES-256.

    A stolen disk, snapshot or backup gives the model away. OpenPGP files are judged by their packets,
    others by the file system they lie on; where weights also lie in clear for serving, name only the vault.
    """
    seen = model_files(host, vault_dirs)
    weights = [file for file in seen.each if _holds_weights(file)]
    messages = {file.path: read_message(file.head, file.size) for file in weights}
    faults = list(seen.faults)
    others = [
        file for file in weights if "openpgp-aes256" not in accept or not _is_aes256(messages[file.path])
    ]
    stored: Mapping[str, Storage | Unobservable] = storage(host, others) if others else {}
    in_clear = {path: "declared, but absent" for path in seen.absent if is_declared("vault_dirs")}
    for file in others:
        message, below = messages[file.path], stored[file.path]
        is_named = file.name.endswith(_OPENPGP_NAMES)
        if is_named and message.problem:
            in_clear[file.path] = f"named as if it were encrypted: {message.problem}"
        elif isinstance(below, Unobservable):
            faults.append(below)
        elif (lack := _disk(below, accept)) and not message.problem and message.cipher is None:
            faults.append(
                Unobservable(
                    "unreadable", f"{file.path}: its cipher does not show outside the encryption, and {lack}"
                )
            )
        elif lack:
            in_clear[file.path] = f"{_openpgp(message)}; {lack}" if not message.problem else f"plain; {lack}"
    raise_unless(in_clear, faults)
    if not in_clear and not weights:
        beside = elsewhere(host, "weights", "vault_dirs", vault_dirs)
        not_applicable(
            f"no model weights in {', '.join(vault_dirs)}", claims=seen.claims("vault_dirs"), elsewhere=beside
        )
    assert in_clear == {}
