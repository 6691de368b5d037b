from typing import Annotated

from pydantic import Field

from pytest_aisec import Host, Unobservable, control, is_declared, not_applicable, raise_unless
from pytest_aisec.facts.artifacts.model_files import model_files
from pytest_aisec.facts.artifacts.weight_formats import (
    defects,
    is_container,
    keras_directories,
    renamed_models,
)
from pytest_aisec.facts.system.elsewhere import elsewhere


@control(
    "AISEC-ART-06",
    severity="medium",
    objectives=["model_integrity"],
    nist_800_53=["SI-10"],
    atlas_techniques=["AML.T0018.001", "AML.T0076"],
    remediation=(
        "Fetch each file named again from its publisher and compare its digest; remove from "
        "{model_dirs} what is still malformed, and Keras models with code of their own"
    ),
    remediation_is_words="the file is to be had again from its publisher, and compared",
)
def test_weight_files_are_well_formed(
    host: Host,
    *,
    model_dirs: list[str] = ["/srv/models"],
    max_header_bytes: Annotated[int, Field(ge=1024)] = 100_000_000,
) -> None:
    """Non-pickle model containers are well formed.

    Malformed headers are how loaders are made to read or write outside of their memory. Judges headers of
    safetensors and GGUF, references of ONNX models of any name out of their directory and their operators
    that call Python, what of HDF5 lies in other files, and whatever Keras models name, as `.keras`, unpacked
    or HDF5, that is not known to run nothing of its own.
    """
    seen = model_files(host, model_dirs)
    containers = [file for file in seen.each if is_container(file)]
    faults = list(seen.faults)
    malformed = {path: ["declared, but absent"] for path in seen.absent if is_declared("model_dirs")}
    judged = defects(host, containers, max_header_bytes=max_header_bytes)
    judged |= keras_directories(host, seen.files)
    judged |= renamed_models(host, seen.each)
    for path, wrong in judged.items():
        if isinstance(wrong, Unobservable):
            faults.append(wrong)
        elif wrong:
            malformed[path] = list(wrong)
    raise_unless(malformed, faults)
    if not malformed and not judged:
        beside = elsewhere(host, "weights", "model_dirs", model_dirs)
        not_applicable(
            f"no safetensors, GGUF, ONNX or Keras file in {', '.join(model_dirs)}",
            claims=seen.claims("model_dirs"),
            elsewhere=beside,
        )
    assert malformed == {}
