"""What a CSIP revokes: from the lines of its source to what it answers."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from root.engine import Engine
from root.publishing import ListingsWork, publish
from tests.zonedata.builders import NOW, key, number
from zonedata import names, statements
from zonedata.errors import ConfigError
from zonedata.keys import PrivateKey
from zonedata.kinds import Role
from zonedata.recipient_statements import Revocation
from zonedata.sealed import Sealed
from zonedata.store.disk import DiskTables
from zonedata.store.layout import data_of
from zonedata.wire import QType

KEY = key("issuer.example/assert")


def _revoking(tmp_path: Path, *lines: str, revoke_key: PrivateKey | None = None) -> ListingsWork:
    path = tmp_path / "revoked.ndjson"
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return ListingsWork((), "issuer.example", (names.from_text("1.e164."),), (path,), revoke_key)


def _revoked(what: str, text: str, before: str = "2025-01-01") -> str:
    return f'{{"{what}": "{text}", "before": "{before}", "reason": "reassigned"}}'


def test_revocations_are_signed_with_their_own_key_and_found_over_a_number(tmp_path: Path) -> None:
    by = key("revoke")
    work = _revoking(
        tmp_path,
        _revoked("block", "+1415", "2025-03-01"),
        _revoked("csi", "+14155550123"),
        _revoked("csi", "+14165550123", "2025-02-01"),
        revoke_key=by,
    )
    work.check(NOW)
    store = tmp_path / "store"
    assert publish(work, KEY, store, NOW).statements == 3
    with closing(DiskTables(store)) as tables:
        engine = Engine(tables, key("deny"), (Role.CSIP,))
        found = {}
        for text in ("+14155550123", "+14155550124", "+14165550123", "+14165550124"):
            said = engine.answer(number(text), QType.CSI, NOW)
            assert said is not None
            sealed = [Sealed.from_wire(data_of(value)) for value in said.statements]
            read = [statements.read_untrusted(one) for one in sealed]
            found[text] = [
                datetime.fromtimestamp(one.before, UTC).month for one in read if isinstance(one, Revocation)
            ]
            assert len(said.denials) == (not read)
            assert all(one.signatures[0].key_id == by.public.key_id for one in sealed)
    # Of a number and its block the later one: hiding it behind the earlier would let the number live on.
    assert found == {"+14155550123": [3], "+14155550124": [3], "+14165550123": [2], "+14165550124": []}


def test_every_mistake_in_revocations_is_reported_and_nothing_published(tmp_path: Path) -> None:
    work = _revoking(
        tmp_path,
        _revoked("csi", "+14155550123"),
        _revoked("csi", "+442079460000"),
        _revoked("csi", "+1 415 555 0123"),
        _revoked("csi", "+14155550124", "2125-01-01"),
        _revoked("block", "+14155550123"),
    )
    store = tmp_path / "store"
    expected = [
        "revoked.ndjson:2: csi: not below any of the nodes at which issuer.example answers",
        "revoked.ndjson:3: csi: said before; one line a name",
        "revoked.ndjson:4: before: lies in the future; only what was can be revoked",
        "revoked.ndjson:5: block: said before; one line a name",
    ]
    for act in (lambda: work.check(NOW), lambda: publish(work, KEY, store, NOW)):
        with pytest.raises(ConfigError) as caught:
            act()
        assert [
            f"{fault.where.name}:{fault.to_text().partition(':')[2]}" for fault in caught.value.faults
        ] == expected
    assert not store.exists()
