"""Make statements.json, the same octets every time: `python -m tests.vectors.make`.

    {"anchors": {NAME: HEX of a ROOTKEYS envelope}, "statements": [VECTOR ...], "proofs": [VECTOR ...],
     "judgements": [VECTOR ...]}

Every vector of the first two has `name`, `description`, `anchor`, `now` (Unix seconds), `csi` and `expect`: "ok",
or the number of the one verification step that refuses it, or "incomplete": nothing in it is refused, but somebody
on the path has not shown what it owes. Without its one fault it passes.

A vector of `statements` (steps 1 to 7) has `record`, one envelope, and the `party` that was asked, with its keys;
`repaired` is the record without the fault. A vector of `proofs` (steps 8 to 11) has `records`, everything that is
shown; `repair` says which to leave out (`remove`, by index) and which to show besides (`add`).

A vector of `judgements` (the weighing) has `records`, of which none is refused, and what they come to: `yields` has
the `outcome`, whether it is `complete`, the standing of each authority (`rows`), for each MSP at which the person
is found the assurance and then the recipient's tags (`found`), and the digest of the standing recipient's key.
"""

import json
from pathlib import Path

from tests.vectors import edges, hints, judgements, proofs, statements
from tests.zonedata.builders import anchor

FILE = Path(__file__).parent / "statements.json"


def made() -> str:
    """Return the file's text."""
    content = {
        "anchors": {"main": anchor().sealed.to_wire().hex()},
        "statements": statements.vectors(),
        "proofs": proofs.vectors(),
        "judgements": [*judgements.vectors(), *edges.vectors(), *hints.vectors()],
    }
    return json.dumps(content, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(made())
