import pytest

from pytest_aisec.facts.artifacts.datasets import Stored, _authoritative, _manifests, read_manifest
from pytest_aisec.observe.faults import Unobservable

A, B = "a" * 64, "B" * 64


def files(path, text):
    return [(one.path, one.digest, one.size) for one in read_manifest(path, text).files]


@pytest.mark.parametrize(
    ("expected", "name", "text"),
    [
        ([("/d/x y", A, None)], "MANIFEST.sha256", f"# made today\n{A}  x y\n"),
        ([("/d/x", A, None)], "MANIFEST.sha256", f"{A} *./x\n"),
        ([("/d/a\nb", A, None)], "MANIFEST.sha256", f"\\{A}  a\\nb\n"),
        ([("/d/x", "b" * 64, None)], "SHA256SUMS", f"SHA256 (x) = {B}\n"),
        ([("/etc/passwd", A, None)], "MANIFEST.sha256", f"{A}  ../etc/passwd\n"),
        ([("/d/x", A, 3)], "MANIFEST.json", f'{{"files": [{{"path": "x", "sha256": "{A}", "size": 3}}]}}'),
        ([("/d/x", A, None)], "MANIFEST.json", f'{{"x": "sha256:{A}"}}'),
        ([("/d/x", None, 3)], "MANIFEST.json", '{"x": {"size": 3}}'),
        (
            [("/d/x", A, 3)],
            "croissant.json",
            f'{{"distribution": [{{"@type": "cr:FileObject", "contentUrl": "x", "sha256": "{A}", "contentSize": "3 B"}}, {{"@type": "cr:FileSet", "includes": "*"}}, {{"@type": "cr:FileObject", "contentUrl": "https://h/x"}}]}}',
        ),
    ],
)
def test_manifests(expected, name, text):
    assert expected == files(f"/d/{name}", text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("MANIFEST.sha256", "d41d8cd98f00b204e9800998ecf8427e  x\n"),
        ("MANIFEST.sha256", "x\n"),
        ("MANIFEST.json", "{"),
        ("MANIFEST.json", '{"x": "main"}'),
        ("MANIFEST.json", '[{"sha256": "x"}]'),
        ("croissant.json", '{"distribution": [{"@type": "cr:FileObject"}]}'),
    ],
)
def test_what_is_not_understood_is_no_manifest(name, text):
    with pytest.raises(Unobservable):
        files(f"/d/{name}", text)


def test_only_the_first_manifest_of_the_topmost_directory_counts():
    stored = [
        Stored(path=path, kind="f", size=1)
        for path in ("/d/SHA256SUMS", "/d/MANIFEST.sha256", "/d/e/MANIFEST.sha256", "/d2/SHA256SUMS")
    ]
    found = _authoritative(stored, ["MANIFEST.sha256", "SHA256SUMS"])
    assert ["/d/MANIFEST.sha256", "/d2/SHA256SUMS"] == [one.path for one in found]


def test_a_manifest_is_read_and_what_a_link_leads_to_is_not(local, tmp_path, reason):
    (tmp_path / "secret").write_text("of root alone")
    (tmp_path / "M").write_text(f"{'0' * 64}  a\n")
    (tmp_path / "L").symlink_to("secret")
    plain, link = (Stored(path=str(tmp_path / name), kind="f", size=68, target="") for name in "ML")
    (manifest,) = _manifests(local, [plain])
    assert [str(tmp_path / "a")] == [file.path for file in manifest.files]
    assert "unreadable" == reason(_manifests, local, [link])
    assert "of root alone" not in local.run(local.asked[-1]).stdout
