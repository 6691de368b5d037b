import pytest

from pytest_aisec.facts.system.mounts import parse_fstab, parse_mounts, parse_units, to_come


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


def test_units_are_read_like_fstab():
    lines = ["[Mount]", "What=nas:/d", "Where=/data", "Type=nfs", "Options=nosuid,nodev,suid"]
    (unit,) = parse_units("".join(f"/etc/systemd/system/data.mount:{line}\n" for line in lines))
    assert "nosuid" not in unit.options
    assert "nodev" in unit.options
