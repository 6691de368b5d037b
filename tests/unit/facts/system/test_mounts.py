import pytest

from pytest_aisec.facts.system.mounts import parse_fstab, parse_mounts, parse_units, to_come
from pytest_aisec.observe.faults import Unobservable


def options(text):
    (mount,) = parse_fstab(f"nas:/d /data nfs4 {text} 0 0\n")
    return {"nosuid", "nodev"} & set(mount.options)


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ({"nosuid", "nodev"}, "nosuid,nodev"),
        ({"nosuid", "nodev"}, "noauto,users"),
        ({"nosuid", "nodev"}, "noauto,owner"),
        ({"nodev"}, "noauto,user,suid"),
        ({"nosuid"}, "suid,nosuid,nodev,dev"),
        (set(), "nosuid,nodev,defaults"),
        ({"nosuid", "nodev"}, "defaults,nosuid,nodev"),
        (set(), "rw"),
    ],
)
def test_some_options_imply_others_and_the_last_of_contrary_ones_counts(expected, text):
    assert expected == options(text)


def test_what_is_mounted_well_now_may_be_mounted_otherwise_next_time():
    mounted = parse_mounts("nas:/d /data nfs4 rw,nosuid,nodev,sec=krb5p 0 0\n")
    (later,) = to_come(parse_fstab("nas:/d /data nfs4 rw 0 0\n"), mounted)
    assert ("/etc/fstab", "/data", False) == (later.source_file, later.target, "nosuid" in later.options)


@pytest.mark.parametrize(
    ("expected", "written"),
    [
        (["sec=krb5p"], "nas:/d /data nfs4 rw 0 0\n"),
        (["sec=sys"], "nas:/d /data nfs4 rw,sec=sys 0 0\n"),
        ([], "nas:/other /data nfs4 rw 0 0\n"),
        ([], "nas:/d /other nfs4 rw 0 0\n"),
    ],
)
def test_the_same_flavour_is_agreed_on_again_where_none_is_configured(expected, written):
    mounted = parse_mounts("nas:/d /data nfs4 rw,nosuid,nodev,sec=krb5p 0 0\n")
    (later,) = to_come(parse_fstab(written), mounted)
    assert expected == [one for one in later.options if one.startswith("sec=")]


def unit(place, *lines):
    return f"\0{place}\n" + "".join(f"{line}\n" for line in lines)


def units(*texts):
    return parse_units("".join([*texts, "\0end\n"]))


ETC, LIB = "/etc/systemd/system/data.mount", "/usr/lib/systemd/system/data.mount"
DATA = ("[Mount]", "What=nas:/d", "Where=/data", "Type=nfs")


def test_units_are_read_like_fstab():
    (found,) = units(unit(ETC, *DATA, "Options=nosuid,nodev,suid"))
    assert "nosuid" not in found.options
    assert "nodev" in found.options


def test_a_drop_in_counts_after_its_unit_and_a_nearer_file_instead_of_another():
    loosened = unit(f"{ETC}.d/b.conf", "[Mount]", "Options=rw") + unit(
        f"{ETC}.d/a.conf", "[Mount]", "Options=ro"
    )
    (found,) = units(loosened, unit(LIB, *DATA, "Options=nosuid,nodev"))
    assert ("rw",) == found.options
    (found,) = units(unit(ETC, *DATA, "Options=nosuid"), unit(LIB, *DATA, "Options=rw"))
    assert (ETC, ("nosuid",)) == (found.source_file, found.options)


def test_a_masked_unit_mounts_nothing():
    assert () == units(unit(ETC), unit(LIB, *DATA))


@pytest.mark.parametrize("kind", ["lustre", "ceph", "fuse.glusterfs", "beegfs"])
def test_other_file_systems_of_the_network_count(kind):
    (found,) = parse_mounts(f"mds@tcp:/scratch /scratch {kind} rw 0 0\n")
    assert kind == found.kind


@pytest.mark.parametrize(
    "text", ["", "\0/etc/systemd/system/a.mount\n[Mount]\n", "oops\0end\n", "\0/x\n\0end\n"]
)
def test_half_an_answer_is_none(text):
    with pytest.raises(Unobservable, match="unit"):
        parse_units(text)
