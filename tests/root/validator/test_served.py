"""What an authority says out of a register, question by question."""

from root.engine import Engine
from root.signing import Signing, sign_listings
from root.validator.vouching import VALIDATION_LIFE
from tests.root.validator.office import NODES, NUMBER, VERA, Office
from tests.zonedata.builders import NOW, key
from zonedata import identifiers, statements
from zonedata.kinds import Kind, Role
from zonedata.sealed import Sealed
from zonedata.store.layout import data_of
from zonedata.store.memory import MemoryTables
from zonedata.wire import QType


def kinds(engine: Engine, now: float, csi: str = NUMBER.text) -> list[Kind]:
    """What is said about a person."""
    found = engine.answer(identifiers.parse(csi).owner, QType.CSI, now)
    assert found is not None
    assert found.is_passing
    said = [
        statements.read_untrusted(Sealed.from_wire(data_of(one))) for one in (*found.statements, *found.denials)
    ]
    return [one.kind for one in said]


def test_each_question_is_answered_as_the_register_is_then(vera: Office) -> None:
    tables = MemoryTables(sign_listings([], VERA, NODES, Signing(key("x"), NOW, 1)))
    engine = Engine(tables, key("deny"), (Role.VALIDATOR,), vera.register)
    assert kinds(engine, NOW) == [Kind.DENIAL]
    vera.prove("ann")
    assert kinds(engine, NOW) == [Kind.VALIDATION]
    vera.map("ann")
    assert kinds(engine, NOW) == [Kind.VALIDATION, Kind.MAPPING]
    assert kinds(engine, NOW, "+14155550124") == [Kind.DENIAL]
    assert kinds(engine, NOW + VALIDATION_LIFE - 1) == [Kind.VALIDATION, Kind.MAPPING]
    assert kinds(engine, NOW + VALIDATION_LIFE) == [Kind.DENIAL], (
        "nobody has renewed it, and half an answer is none"
    )
