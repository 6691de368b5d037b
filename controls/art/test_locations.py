import posixpath
from collections import defaultdict
from typing import Annotated

from pydantic import Field

from pytest_aisec import Host, Unobservable, control, not_applicable, not_reviewed, raise_unless
from pytest_aisec.facts.artifacts.digests import samples
from pytest_aisec.facts.artifacts.model_files import ModelFile, large_weight_files
from pytest_aisec.facts.core.together import outcomes
from pytest_aisec.facts.system.elsewhere import elsewhere
from pytest_aisec.facts.system.files import trails

MIB = 1024 * 1024


def _summary(file: ModelFile) -> str:
    return f"{file.size / MIB:.0f} MiB, {file.mode:04o} {file.owner}:{file.group}"


def _copies(host: Host, files: list[ModelFile], most: int) -> tuple[list[list[str]], list[Unobservable]]:
    """Return the paths of files of which there are more than `most` copies, and what is not known."""
    alike: defaultdict[tuple[int, bytes], list[ModelFile]] = defaultdict(list)
    for file in files:
        alike[file.size, file.head].append(file)
    likely = [file for group in alike.values() if len(group) > most for file in group]
    equal: defaultdict[tuple[int, str], list[str]] = defaultdict(list)
    faults: list[Unobservable] = []
    for file, digest in zip(likely, samples(host, likely).values(), strict=True):
        if isinstance(digest, Unobservable):
            faults.append(digest)
        else:
            equal[file.size, digest].append(file.path)
    return [paths for paths in equal.values() if len(paths) > most], faults


@control(
    "AISEC-ART-02",
    severity="high",
    objectives=["model_confidentiality"],
    nist_csf=["ID.AM-07"],
    nist_ai_600_1=["GV-6.2-005"],
    cis_v8_1=["3.2"],
    atlas_techniques=["AML.T0035"],
    remediation=(
        "Move each file named to one of {approved_roots}, or shred it; keep no more than {max_copies} "
        "copies of one file there"
    ),
    remediation_is_words="which of the copies stays, and where, is known to who made them",
)
def test_weights_lie_in_approved_locations(
    host: Host,
    *,
    approved_roots: list[str] = [
        "/srv/models",
        "/opt/tritonserver",
        "/var/lib/ollama",
        "/usr/share/ollama",
    ],
    min_mb: Annotated[int, Field(ge=1)] = 100,
    max_copies: Annotated[int, Field(ge=1)] = 2,
) -> None:
    """Weights exist only in approved locations.

    A forgotten copy in a home or in /tmp is outside of every protection. Looks at files of more than
    min_mb MiB on the host's own file systems, by name and content; encrypted copies are not recognised.
    """
    outcomes([lambda: large_weight_files(host, above=min_mb * MIB), lambda: trails(host, approved_roots)])
    seen = large_weight_files(host, above=min_mb * MIB)
    ends = [trail.end for trail in trails(host, approved_roots).values()]
    roots = [*map(posixpath.normpath, approved_roots), *(end.path for end in ends if end)]
    strayed = {
        file.path: _summary(file)
        for file in seen.files
        if not any(file.path.startswith(root.rstrip("/") + "/") for root in roots)
    }
    inside = [file for file in seen.each if file.path not in strayed]
    crowds, more = _copies(host, inside, max_copies)
    strayed.update({", ".join(paths): f"{len(paths)} copies of one file" for paths in crowds})
    faults = [*seen.faults, *more]
    raise_unless(strayed, faults)
    if not seen.files:
        found, extent = elsewhere(host, "weights", "min_mb", approved_roots)
        if found:
            not_reviewed(f"{found}; no file there has more than {min_mb} MiB")
        not_applicable(f"no file of more than {min_mb} MiB looks like model weights{extent}")
    assert strayed == {}
