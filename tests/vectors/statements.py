"""Vectors of one statement: verification steps 1 to 7, and one sound statement of each kind.

Each faulty record comes with `repaired`, the same record without its one fault.
"""

from dataclasses import replace
from typing import Any

from tests.zonedata.builders import NOW, anchor, key, life, reseal, signer
from tests.zonedata.samples import SAMPLES, fields_of
from zonedata import codec, names
from zonedata.kinds import DAY, RULES, ZONE_SIGNED, Kind, Use
from zonedata.opening import Signer, Step
from zonedata.person_statements import Assertion
from zonedata.sealed import Sealed, Signature, seal_body, signed_octets
from zonedata.statements import Statement, to_body

Vector = dict[str, Any]
CSI = "+14155550123"
ALPHA = "alpha.example"


def party_of(kind: Kind) -> Signer:
    """Return who says the sample of a kind."""
    return anchor().signer() if kind in ZONE_SIGNED else signer(ALPHA)


def key_of(kind: Kind, use: Use | None = None) -> str:
    """Return the name of the key that signs it."""
    if kind is Kind.MAPPING:
        return "ann/recipient"
    return "./zone" if kind in ZONE_SIGNED else f"{ALPHA}/{use or RULES[kind].use}"


def good(kind: Kind) -> bytes:
    """Return the sample of a kind, signed."""
    return reseal(SAMPLES[kind], key_of(kind))


def with_body(kind: Kind, body: bytes) -> bytes:
    """Sign any octets."""
    return seal_body(kind, body, [key(key_of(kind))]).to_wire()


def with_fields(kind: Kind, **changes: Any) -> bytes:
    """Sign the sample with some fields changed."""
    return with_body(kind, codec.pack(fields_of(SAMPLES[kind]) | changes))


def _vector(  # noqa: PLR0917 - the columns of a table
    name: str, description: str, expect: Step | str, kind: Kind, record: bytes, repaired: bytes | None = None
) -> Vector:
    party = party_of(kind)
    bound = [
        {"key": one.public.raw.hex(), "uses": list(one.uses), "from": one.start, "until": one.end}
        for one in party.keys
    ]
    return {
        "name": name,
        "description": description,
        "expect": expect if isinstance(expect, str) else int(expect),
        "anchor": "main",
        "now": NOW,
        "csi": CSI,
        "party": {"name": party.name, "keys": bound, "until": party.until},
        "record": record.hex(),
        "repaired": (repaired or good(kind) if expect != "ok" else record).hex(),
    }


def _sound() -> list[Vector]:
    kinds = [kind for kind in RULES if kind is not Kind.ROOTKEYS]
    looked = with_fields(Kind.DENIAL, as_of=SAMPLES[Kind.DENIAL].life.issued - 1)
    return [
        *(_vector(f"sound-{kind.name.lower()}", f"A sound {kind.name}.", "ok", kind, good(kind)) for kind in kinds),
        _vector("sound-denial-as-of", "A sound DENIAL as of a second before its issue.", "ok", Kind.DENIAL, looked),
    ]


def _envelope() -> list[Vector]:
    kind, wire = Kind.ASSERTION, good(Kind.ASSERTION)
    sealed = Sealed.from_wire(wire)
    sample = SAMPLES[kind]
    assert isinstance(sample, Assertion)
    features = tuple(f"{n:02}-" + "f" * 29 for n in range(16))
    full = replace(sample, features=features[:10], ssi=f"mimi://{ALPHA}/" + "u" * 270)
    long = with_body(kind, to_body(replace(full, features=features)))

    def vector(name: str, description: str, record: bytes, repaired: bytes | None = None) -> Vector:
        return _vector(name, description, Step.ENVELOPE, kind, record, repaired)

    return [
        vector("unknown-kind", "A kind that nobody has defined.", b"\x63" + wire[1:]),
        vector("cut-short", "The envelope ends within its signature.", wire[:40]),
        vector("no-signature", "An ASSERTION that nobody signed.", wire[:1] + b"\0" + sealed.body),
        vector(
            "two-signatures",
            "An ASSERTION signed twice; only ROOTKEYS carries more than one signature.",
            replace(sealed, signatures=sealed.signatures * 2).to_wire(),
        ),
        vector("body-too-long", "A body above the 900 octets of its kind.", long, with_body(kind, to_body(full))),
    ]


def _body() -> list[Vector]:
    kind = Kind.ASSERTION
    fields = fields_of(SAMPLES[kind])
    (first, second), *rest = sorted(fields.items())
    swapped = bytes([0x80 + len(fields)])
    for name, value in [*rest, (first, second)]:
        swapped += codec.pack({name: value})[1:]
    plain = codec.pack(fields)
    weak = {"key": b"\1" + bytes(31), "uses": ["assert"], "from": NOW - DAY, "until": NOW + DAY}

    def vector(name: str, description: str, of: Kind, record: bytes) -> Vector:
        return _vector(name, description, Step.BODY, of, record)

    return [
        vector("keys-not-in-order", "Map keys in another order than ascending.", kind, with_body(kind, swapped)),
        vector(
            "number-not-shortest",
            "A serial in two octets where one is enough.",
            kind,
            with_body(kind, plain.replace(b"\xa6serial\x01", b"\xa6serial\xcc\x01")),
        ),
        vector("trailing-octet", "One octet after the body.", kind, with_body(kind, plain + b"\xc0")),
        vector("unknown-field", "A field that the kind does not have.", kind, with_fields(kind, more=1)),
        vector(
            "ssi-at-another-host",
            "An ASSERTION of alpha.example whose SSI is at beta.example.",
            kind,
            with_fields(kind, ssi="mimi://beta.example/u/alice"),
        ),
        vector(
            "owner-is-a-prefix-of-nobody",
            "An ASSERTION about e164., which no person can have.",
            kind,
            with_fields(kind, owner="e164."),
        ),
        vector(
            "hole-in-the-host",
            "A BLOCK whose template takes the number into the host.",
            Kind.BLOCK,
            with_fields(Kind.BLOCK, template="mimi://{number}.example/u/x"),
        ),
        vector(
            "denial-as-registry",
            "A DENIAL in a role in which nobody is asked about a person.",
            Kind.DENIAL,
            with_fields(Kind.DENIAL, role="registry"),
        ),
        vector(
            "denial-as-of-its-own-time",
            "A DENIAL as of the very time of its issue; then the field is left out.",
            Kind.DENIAL,
            with_fields(Kind.DENIAL, as_of=SAMPLES[Kind.DENIAL].life.issued),
        ),
        vector(
            "gap-backwards",
            "A GAP that ends before it begins.",
            Kind.GAP,
            with_fields(Kind.GAP, next=names.to_text(names.from_text("e164."))),
        ),
        vector(
            "weak-key",
            "An AUTHORITY with the identity point as a key: one signature would fit every message.",
            Kind.AUTHORITY,
            with_fields(Kind.AUTHORITY, keys=[weak]),
        ),
        *_recipients(),
        vector(
            "grants-not-in-order",
            "A DELEGATION whose grants are not in ascending order.",
            Kind.DELEGATION,
            with_fields(
                Kind.DELEGATION,
                grants=[["b.example", ["msp"], "asserted", False], ["a.example", ["msp"], "asserted", False]],
            ),
        ),
    ]


def _recipients() -> list[Vector]:
    """Return bodies of MAPPING, VALIDATION and REVOCATION that say what nobody may say."""
    mapping, validation, revocation = Kind.MAPPING, Kind.VALIDATION, Kind.REVOCATION
    second = ["beta.example", ["Default"]]
    rows: list[tuple[str, str, Kind, dict[str, Any]]] = [
        (
            "default-beside-another-tag",
            "A MAPPING whose Default does not stand alone.",
            mapping,
            {"entries": [["alpha.example", ["Business", "Default"]]]},
        ),
        (
            "two-defaults",
            "A MAPPING with two entries tagged Default.",
            mapping,
            {"entries": [["alpha.example", ["Default"]], second]},
        ),
        (
            "entries-not-in-order",
            "A MAPPING whose entries are not in ascending order.",
            mapping,
            {"entries": [second, ["alpha.example", []]]},
        ),
        ("released-with-entries", "A MAPPING that gives the CSI up and lists MSPs.", mapping, {"released": True}),
        ("tag-with-a-blank", "A MAPPING with a tag that holds a blank.", mapping, {"entries": [["a.b", ["a b"]]]}),
        ("tags-too-long", "A MAPPING with tags of 264 octets together.", mapping, {"entries": _many_tags()}),
        (
            "weak-recipient-key",
            "A MAPPING with the identity point as its key.",
            mapping,
            {"key": b"\1" + bytes(31)},
        ),
        ("no-former-key", "A MAPPING with an empty list of former keys.", mapping, {"former": []}),
        ("since-after-executed", "A VALIDATION that holds since later than proven.", validation, {"since": NOW}),
        ("proven-in-the-future", "A VALIDATION executed after it was issued.", validation, {"executed": NOW + 1}),
        ("method-in-capitals", "A VALIDATION by a method that is no word.", validation, {"method": "SMS"}),
        ("revokes-the-future", "A REVOCATION of what is yet to come.", revocation, {"before": NOW + 1}),
        ("revokes-everything", "A REVOCATION of the whole tree.", revocation, {"node": "."}),
        (
            "revokes-a-prefix-as-one",
            "A REVOCATION of one CSI at a mail domain, which no person can have.",
            revocation,
            {"node": "com.mail.", "block": False},
        ),
    ]
    return [
        _vector(name, told, Step.BODY, kind, with_fields(kind, **changes)) for name, told, kind, changes in rows
    ]


def _many_tags() -> list[Any]:
    tags = [f"{n:024}" for n in range(11)]
    return [["alpha.example", tags[:8]], ["beta.example", tags[8:]]]


def _speaker_and_tree() -> list[Vector]:
    said = with_fields(Kind.ASSERTION, msp="beta.example", ssi="mimi://beta.example/u/alice")
    return [
        _vector(
            "said-for-another",
            "alpha.example was asked, and signs what beta.example would say.",
            Step.SPEAKER,
            Kind.ASSERTION,
            said,
        ),
        _vector(
            "denial-for-another",
            "alpha.example denies in the name of beta.example.",
            Step.SPEAKER,
            Kind.DENIAL,
            with_fields(Kind.DENIAL, authority="beta.example"),
        ),
        *(
            _vector(
                f"{kind.name.lower()}-of-another-tree",
                f"A {kind.name} that names another trust anchor.",
                Step.TREE,
                kind,
                with_fields(kind, tree=bytes(range(16))),
            )
            for kind in sorted(ZONE_SIGNED)
        ),
    ]


def _window() -> list[Vector]:
    vectors = []

    def relived(kind: Kind, issued: int, expires: int) -> bytes:
        return reseal(replace(SAMPLES[kind], life=life(kind, issued=issued, expires=expires)), key_of(kind))

    kinds = (Kind.ASSERTION, Kind.BLOCK, Kind.DENIAL, Kind.GAP, Kind.DELEGATION, Kind.AUTHORITY)
    for kind in (*kinds, Kind.MAPPING, Kind.VALIDATION, Kind.REVOCATION):
        most = RULES[kind].max_life
        word = kind.name.lower()
        longest = relived(kind, -1, most - 1)
        too_long = relived(kind, -1, most)
        vectors += [
            _vector(f"{word}-lives-longest", f"A {kind.name} that lives {most} s.", "ok", kind, longest),
            _vector(f"{word}-lives-too-long", "One second more.", Step.WINDOW, kind, too_long, longest),
        ]
    kind = Kind.DENIAL
    return [
        *vectors,
        _vector("expired", "It says nothing from `expires` on.", Step.WINDOW, kind, relived(kind, -300, -1)),
        _vector(
            "from-the-future",
            "Issued 61 s ahead; the skew allowed to so short a life is 60 s.",
            Step.WINDOW,
            kind,
            relived(kind, 61, 200),
            relived(kind, 60, 200),
        ),
        _vector("from-the-near-future", "Issued 60 s ahead.", "ok", kind, relived(kind, 60, 200)),
    ]


def _key() -> list[Vector]:
    vectors = []
    for kind, use in (
        (Kind.ASSERTION, Use.DENY),
        (Kind.ASSERTION, Use.ZONE),
        (Kind.BLOCK, Use.DENY),
        (Kind.DENIAL, Use.ASSERT),
    ):
        record = reseal(SAMPLES[kind], key_of(kind, use))
        name = f"{kind.name.lower()}-by-{use}-key"
        vectors.append(_vector(name, f"A {kind.name} signed by the key for '{use}'.", Step.KEY, kind, record))
    for kind, by in (
        (Kind.MAPPING, f"{ALPHA}/validate"),
        (Kind.VALIDATION, "ann/recipient"),
        (Kind.VALIDATION, f"{ALPHA}/assert"),
        (Kind.REVOCATION, f"{ALPHA}/deny"),
        (Kind.ASSERTION, f"{ALPHA}/validate"),
    ):
        name = f"{kind.name.lower()}-by-{by.rpartition('/')[2]}-key"
        told = f"A {kind.name} signed by the key for '{by.rpartition('/')[2]}'."
        vectors.append(_vector(name, told, Step.KEY, kind, reseal(SAMPLES[kind], by)))
    wire = good(Kind.ASSERTION)
    stranger = reseal(SAMPLES[Kind.ASSERTION], "nobody")
    return [
        *vectors,
        _vector("key-not-bound", "Signed by a key that is nobody's.", Step.KEY, Kind.ASSERTION, stranger),
        _vector(
            "unknown-algorithm",
            "The algorithm number of a key to come.",
            Step.KEY,
            Kind.ASSERTION,
            wire[:2] + b"\x10" + wire[3:],
        ),
        _key_window("key-retired", "The key ended a second ago.", NOW - DAY, NOW),
        _key_window("key-to-come", "The key begins after the skew.", NOW + 3_601, NOW + DAY),
    ]


def _key_window(name: str, description: str, start: int, end: int) -> Vector:
    """Make a vector whose key is bound at another time; repaired by a record of a second key that counts."""
    vector = _vector(name, description, Step.KEY, Kind.ASSERTION, good(Kind.ASSERTION))
    spare = {"key": key("spare").public.raw.hex(), "uses": ["assert"], "from": NOW - DAY, "until": NOW + DAY}
    usual = key(key_of(Kind.ASSERTION)).public.raw.hex()
    bound = [one | {"from": start, "until": end} if one["key"] == usual else one for one in vector["party"]["keys"]]
    vector["party"]["keys"] = [*bound, spare]
    vector["repaired"] = reseal(SAMPLES[Kind.ASSERTION], "spare").hex()
    return vector


def _signature() -> list[Vector]:
    kind = Kind.ASSERTION
    sealed = Sealed.from_wire(good(kind))
    made = sealed.signatures[0]

    def vector(name: str, description: str, octets: bytes, body: bytes = sealed.body) -> Vector:
        signature = Signature(made.algorithm, made.key_id, octets)
        return _vector(
            name, description, Step.SIGNATURE, kind, replace(sealed, signatures=(signature,), body=body).to_wire()
        )

    def signed(message: bytes) -> bytes:
        return key(key_of(kind)).sign(message)

    other: Statement = replace(SAMPLES[kind], life=life(kind, serial=2))
    flipped = bytes([made.octets[0] ^ 1]) + made.octets[1:]
    return [
        vector("flipped-bit", "One bit of the signature is flipped.", flipped),
        vector(
            "other-body",
            "The signature is over the body with serial 2.",
            signed(signed_octets(kind, to_body(other))),
        ),
        vector("other-kind", "Signed as a DENIAL.", signed(signed_octets(Kind.DENIAL, sealed.body))),
        vector("other-version", "Signed as fingerpost/2.", signed(b"fingerpost/2/assertion\0" + sealed.body)),
        vector("no-context", "Signed without the context string.", signed(sealed.body)),
        vector("weak-signature", "The signature that fits every message under a weak key.", b"\1" + bytes(63)),
        vector("short-signature", "A signature of 63 octets.", made.octets[:63]),
    ]


def vectors() -> list[Vector]:
    """Return every vector, in the order of the steps."""
    return [*_sound(), *_envelope(), *_body(), *_speaker_and_tree(), *_window(), *_key(), *_signature()]
