from datetime import UTC, datetime

import pytest

from pytest_aisec.facts.web.tls import read_certificate
from pytest_aisec.observe.faults import Unobservable

SHOWN = """notBefore=Nov  5 02:56:09 2026 GMT
notAfter=Dec 25 02:56:09 2026 GMT
subject=CN = api.example.com
issuer=CN = Lab
        Signature Algorithm: sha256WithRSAEncryption
            Public Key Algorithm: {algorithm}
                Public-Key: ({bits} bit)
"""


def flaws(day: int, month: int = 11, algorithm: str = "rsaEncryption", bits: int = 2048):
    shown = SHOWN.format(algorithm=algorithm, bits=bits)
    found = read_certificate(shown, distrust="", wrong_names=())
    return found.flaws(now=datetime(2026, month, day, tzinfo=UTC), min_days=21)


@pytest.mark.parametrize(
    ("expected", "observed"),
    [
        ([], flaws(25)),
        (["expires on 2026-12-25, in 20 days"], flaws(5, 12)),
        (["expired on 2026-12-25"], flaws(26, 12)),
        (["not valid before 2026-11-05"], flaws(1)),
        (["rsaEncryption of 1024 bits"], flaws(25, bits=1024)),
        ([], flaws(25, algorithm="id-ecPublicKey", bits=256)),
        (["id-ecPublicKey of 224 bits"], flaws(25, algorithm="id-ecPublicKey", bits=224)),
        ([], flaws(25, algorithm="ED25519", bits=0)),
    ],
)
def test_flaws_of_a_certificate(expected, observed):
    assert expected == observed


def test_what_is_no_certificate_is_refused():
    with pytest.raises(Unobservable):
        read_certificate("unable to load certificate", distrust="", wrong_names=())
