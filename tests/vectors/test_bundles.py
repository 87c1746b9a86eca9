"""A bundle for other implementations: read, written to the same octets, and judged as docs/bundles.md says."""

from pathlib import Path

from zonedata import bundle
from zonedata.judgement import hear
from zonedata.kinds import Assurance
from zonedata.standing import Standing
from zonedata.trust import read_anchor

FOLDER = Path(__file__).parent


def test_the_bundle_of_a_mapped_number() -> None:
    octets = (FOLDER / "mapped.bundle").read_bytes()
    read = bundle.read(octets)
    assert bundle.write(read) == octets
    judgement = hear(read.csi.owner, read_anchor(FOLDER / "mapped.anchor.pem"), read.wires(), read.asked).judgement
    assert judgement.complete
    assert not judgement.refusals
    assert [(finding.authority, finding.ssi, finding.assurance) for finding in judgement.found] == [
        ("alpha.example", "mimi://alpha.example/u/1", Assurance.AUTHORIZED)
    ]
    assert {finding.authority: finding.standing for finding in judgement.findings} == {
        ".": Standing.REFERRED,
        "alpha.example": Standing.ASSERTED,
        "beta.example": Standing.WITHHELD,
        "check.example": Standing.VALIDATED,
    }
    later = hear(read.csi.owner, read_anchor(FOLDER / "mapped.anchor.pem"), read.wires(), read.asked + 10**8)
    assert not later.judgement.found
