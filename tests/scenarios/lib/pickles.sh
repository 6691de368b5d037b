# Pickles and the archives that PyTorch puts them in, on a host of the kind `services`.

# pickles: runs the Python on standard input, which finds what is defined here.
pickles() {
    {
        cat <<'PYTHON'
import pickle, struct, warnings, zipfile, zlib

warnings.simplefilter("ignore")
# A state dictionary, as PyTorch writes it
TORCH = (
    b"\x80\x02ccollections\nOrderedDict\nq\x00)Rq\x01X\x06\x00\x00\x00weightq\x02"
    b"ctorch._utils\n_rebuild_tensor_v2\nq\x03((X\x07\x00\x00\x00storageq\x04ctorch\nFloatStorage\nq\x05"
    b"X\x01\x00\x00\x000q\x06X\x03\x00\x00\x00cpuq\x07K\x04tq\x08QK\x00K\x02K\x02\x86q\tK\x02K\x01\x86q\n"
    b"\x89h\x00)Rq\x0btq\x0cRq\rs."
)
# It calls posix.getcwd
DANGER = b"\x80\x02cposix\ngetcwd\nq\x00)Rq\x01."


def checkpoint(path, data, *more):
    """Write the archive of torch.save with that pickle; more are names and contents of further members."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/byteorder", "little")
        archive.writestr("archive/data/0", bytes(64))
        archive.writestr("archive/version", "3\n")
        for name, content in more:
            archive.writestr(name, content)


PYTHON
        cat
    } | python3 -
}
