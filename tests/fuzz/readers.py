"""Readers of what hosts answer: any text ends in a value or in `Unobservable`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from pytest_aisec.observe.faults import Unobservable

# Some modules have the name of a function in them, which is what a plain import would give.
answers = import_module("pytest_aisec.facts.core.answers")
api = import_module("pytest_aisec.facts.model.api")
aws_groups = import_module("pytest_aisec.facts.aws.security_groups")
aws_instances = import_module("pytest_aisec.facts.aws.ec2")
aws_logs = import_module("pytest_aisec.facts.aws.cloudwatch_logs")
aws_stores = import_module("pytest_aisec.facts.aws.s3")
distributions = import_module("pytest_aisec.facts.software.distributions")
fabric = import_module("pytest_aisec.facts.network.fabric")
files = import_module("pytest_aisec.facts.system.files")
kernel_log = import_module("pytest_aisec.facts.network.kernel_log")
log_writers = import_module("pytest_aisec.facts.system.log_writers")
model_answers = import_module("pytest_aisec.facts.model.answers")
model_links = import_module("pytest_aisec.facts.artifacts.model_links")
model_pages = import_module("pytest_aisec.facts.artifacts.model_pages")
file_parts = import_module("pytest_aisec.facts.artifacts.file_parts")
mounts = import_module("pytest_aisec.facts.system.mounts")
origin = import_module("pytest_aisec.facts.network.origin")
running_config = import_module("pytest_aisec.facts.system.running_config")
unit_files = import_module("pytest_aisec.facts.system.unit_files")
sources = import_module("pytest_aisec.facts.artifacts.sources")
texts = import_module("pytest_aisec.facts.system.texts")
tls = import_module("pytest_aisec.facts.web.tls")
access_lists = import_module("pytest_aisec.facts.system.access_lists")
accounts = import_module("pytest_aisec.facts.system.accounts")
at_rest = import_module("pytest_aisec.facts.artifacts.at_rest")
aws = import_module("pytest_aisec.facts.aws.client")
aws_policy = import_module("pytest_aisec.facts.aws.policies")
components = import_module("pytest_aisec.facts.software.components")
container_engines = import_module("pytest_aisec.facts.containers.engines")
container_mounts = import_module("pytest_aisec.facts.containers.mounts")
container_processes = import_module("pytest_aisec.facts.containers.processes")
containers = import_module("pytest_aisec.facts.containers.containers")
runtime_specs = import_module("pytest_aisec.facts.containers.runtime_specs")
datasets = import_module("pytest_aisec.facts.artifacts.datasets")
environments = import_module("pytest_aisec.facts.software.environments")
exports = import_module("pytest_aisec.facts.system.exports")
filter_iptables = import_module("pytest_aisec.facts.network.iptables")
filter_nft = import_module("pytest_aisec.facts.network.nft")
gguf = import_module("pytest_aisec.facts.artifacts.gguf")
hdf5 = import_module("pytest_aisec.facts.artifacts.hdf5")
index_settings = import_module("pytest_aisec.facts.software.index_settings")
keras = import_module("pytest_aisec.facts.artifacts.keras")
onnx = import_module("pytest_aisec.facts.artifacts.onnx")
ranges = import_module("pytest_aisec.facts.artifacts.ranges")
safetensors = import_module("pytest_aisec.facts.artifacts.safetensors")
image_reports = import_module("pytest_aisec.facts.containers.image_reports")
import_paths = import_module("pytest_aisec.facts.software.import_paths")
interfaces = import_module("pytest_aisec.facts.network.interfaces")
jupyter = import_module("pytest_aisec.facts.web.jupyter")
listings = import_module("pytest_aisec.facts.system.listings")
logs = import_module("pytest_aisec.facts.system.logs")
model_files = import_module("pytest_aisec.facts.artifacts.model_files")
nginx_syntax = import_module("pytest_aisec.facts.web.nginx_syntax")
openpgp = import_module("pytest_aisec.facts.artifacts.openpgp")
pickle_walk = import_module("pytest_aisec.facts.artifacts.pickle_walk")
programs = import_module("pytest_aisec.facts.system.programs")
project_formats = import_module("pytest_aisec.facts.software.project_formats")
remote_code = import_module("pytest_aisec.facts.artifacts.remote_code")
signed_manifests = import_module("pytest_aisec.facts.artifacts.signed_manifests")
sockets = import_module("pytest_aisec.facts.system.sockets")
sshd = import_module("pytest_aisec.facts.system.sshd")
tunnels = import_module("pytest_aisec.facts.network.tunnels")
windows = import_module("pytest_aisec.facts.windows.powershell")
windows_logs = import_module("pytest_aisec.facts.windows.event_log")
zips = import_module("pytest_aisec.facts.artifacts.zips")

NOW = datetime(2026, 6, 1, tzinfo=UTC)

Reader = Callable[[str], Any]
SPLIT = "\n--stderr--\n"


def answered(reader: Callable[..., Any], *more: Any) -> Reader:
    """Give a reader what stands before the split as standard output, and the rest as standard error."""

    def read(text: str) -> Any:
        stdout, _, stderr = text.partition(SPLIT)
        return reader(stdout, stderr, *more)

    return read


def finished(found: Any) -> Any:
    return list(found) if isinstance(found, Iterator) else found


def declaring(reader: Reader, *errors: type[Exception]) -> Reader:
    """Let a reader raise what its callers expect: `ValueError`, and `errors`."""

    def read(text: str) -> Any:
        with suppress(ValueError, *errors):
            return finished(reader(text))

    return read


def raw(reader: Callable[[bytes], Any]) -> Reader:
    return lambda text: reader(text.encode("utf-8", "surrogateescape"))


def of_json(reader: Callable[[Any], Any]) -> Reader:
    """Give a reader the object that a text is, as its callers do; what is none is not for it."""

    def read(text: str) -> Any:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return None
        return finished(reader(value)) if isinstance(value, dict) else None

    return read


def of_many(reader: Callable[[tuple[Any, ...]], Any], number: int) -> Reader:
    """Give a reader as many answers as it expects: the parts of a text, the last without a word where it ends."""

    def read(text: str) -> Any:
        parts = [*text.split(SPLIT), *[""] * number][:number]
        given = tuple(answers.Answer(stdout=part, stderr=part[-100:], status=len(part) % 2) for part in parts)
        return reader(given)

    return read


def replied(reader: Callable[..., Any]) -> Reader:
    return lambda text: reader(api.Reply(status=200, seconds=1.0, body=text), "a model")


def project_file(path: str) -> Reader:
    return lambda text: project_formats.read_project_file(path, text)


FAMILIES: dict[str, tuple[Reader, ...]] = {
    "accounts": (
        accounts.read_accounts,
        answered(access_lists.read_access_lists),
        answered(listings.read_listing),
        listings.read_entry,
        lambda text: listings.mounted_elsewhere(text, text, ("/srv",)),
        lambda text: files.read_stat("/etc/x", text),
        lambda text: texts.read_texts(("/a", "/b"), text),
    ),
    "storage": (
        at_rest.read_mounts,
        at_rest.read_devices,
        at_rest.read_crypt_table,
        at_rest.read_fscrypt,
        container_mounts.read_mounts,
        exports.parse_mounts,
        mounts.parse_fstab,
        mounts.parse_units,
        lambda text: exports.parse_exports(text, "/etc/exports"),
        lambda text: exports.parse_smb(text, "smb.conf"),
    ),
    "aws": (
        aws.parse_region,
        lambda text: aws_policy.parse_policy(text, where="a policy"),
        of_json(lambda item: aws_groups.parse_group(item, region="r")),
        of_json(lambda item: aws_instances.parse_instance(item, region="r")),
        of_json(lambda item: aws_logs.parse_log_group(item, region="r")),
        of_json(lambda item: aws_stores.parse_listing(item, names=("a",), patterns=("a*",))),
        of_json(aws_stores.parse_blocks),
    ),
    "packages": (
        answered(components.read_packages),
        answered(components.read_tools, ()),
        answered(distributions.read_packaged),
        distributions.read_name,
        answered(lambda out, err: environments.read_search(("/srv",), out, err)),
        import_paths.read_pth,
        lambda text: index_settings.read_configuration("/etc/pip.conf", text),
        lambda text: index_settings.read_variable("x", "PIP_INDEX_URL", text),
    ),
    "projects": tuple(
        project_file(f"/srv/{name}")
        for name in (
            "requirements.txt",
            "pyproject.toml",
            "environment.yml",
            "Pipfile.lock",
            "poetry.lock",
            "uv.lock",
            "pylock.toml",
            "setup.cfg",
            "setup.py",
            "Dockerfile",
        )
    ),
    "containers": (
        answered(containers.read_containers),
        lambda text: runtime_specs.specified("containerd", f"=list 0\n{text}\n=inspect 0\n", ""),
        lambda text: container_engines.read_engines(text, ()),
        lambda text: container_processes.read_kernel(text, {1: "c7" * 32}),
        lambda text: image_reports.read_report(text, where="a report"),
        image_reports.read_version,
    ),
    "firewall": (
        filter_nft.parse_nft,
        filter_iptables.parse_iptables_save,
        filter_iptables.parse_ipset,
        interfaces.read_interfaces,
        of_many(origin.read_origin, 3),
        sockets.parse_ss,
        sockets.parse_netstat,
        sockets.parse_proc,
    ),
    "services": (
        sshd.parse_settings,
        lambda text: sshd.parse_written(text, path="/etc/ssh/sshd_config"),
        nginx_syntax.parse,
        declaring(jupyter.read_json),
        declaring(jupyter.read_python),
        tunnels.read_settings,
        tunnels.read_code,
        remote_code.read_mentions,
        log_writers.read_log_writers,
        lambda text: fabric.read_members(text, ()),
        lambda text: unit_files.configured(text, "journald.conf", "Journal"),
        answered(lambda out, err: running_config.read_stale(out, err, pid=7, what="a daemon")),
        lambda text: tls.read_certificate(text, distrust="", wrong_names=()),
        lambda text: api.read_reply(text, "a model"),
        replied(model_answers.read_answer),
        replied(model_answers.read_usage),
        lambda text: programs.options_of(text.split("\0")),
    ),
    "logs": (
        logs.parse_journal,
        of_many(lambda printed: kernel_log.read_kernel_log(printed, ("X: ",), NOW), 11),
        lambda text: logs.parse_syslog(text, now=NOW, zone=NOW.tzinfo),
        lambda text: logs.json_entries(text, path="a log"),
        declaring(logs.moment),
    ),
    "windows": (
        windows.rows,
        windows.moment,
        of_json(windows.items),
        lambda text: windows_logs.parse_audit_policy(text, "Logon"),
    ),
    "artifacts": (
        raw(lambda data: openpgp.read_message(data, len(data))),
        raw(lambda data: pickle_walk.loads(data, size=len(data))),
        raw(lambda data: pickle_walk.loads(data, size=None)),
        raw(lambda data: safetensors.safetensors(data, 64)),
        raw(lambda data: gguf.gguf(ranges.of_bytes(data))),
        raw(lambda data: hdf5.root_attributes(ranges.of_bytes(data))),
        raw(lambda data: keras.read_keras(data, "config.json")),
        raw(lambda data: onnx.onnx_defects(ranges.of_bytes(data), lambda _: True)),
        raw(lambda data: zips.find_directory(data, len(data), "/srv/a.zip")),
        raw(lambda data: zips.read_directory(data, 1, len(data), "/srv/a.zip")),
        declaring(raw(lambda data: signed_manifests.read_manifest(data, None)), signed_manifests.NoManifest),
        lambda text: datasets.read_manifest("/srv/SHA256SUMS", text),
        answered(lambda out, err: model_files.read_listing(out, err, ("/srv",))),
        answered(model_pages.read_page),
        model_pages.read_count,
        lambda text: file_parts.decoded(text, "/srv/a"),
        lambda text: model_links.read_ways(("/srv/a",), text),
        raw(lambda data: zips.appended(sources.Memory("a", data), len(data))),
    ),
}


def target(family: str) -> Callable[[bytes], None]:
    """Return the target that gives bytes to every reader of a family."""

    def every(data: bytes) -> None:
        text = data.decode("utf-8", "surrogateescape")
        for reader in FAMILIES[family]:
            try:
                finished(reader(text))
            except Unobservable as fault:
                if not fault.detail:
                    raise AssertionError("a fault that says nothing") from None

    return every
