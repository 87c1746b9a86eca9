from resolver.allowance import AUTHORITY_PACKETS, BINDING_PACKETS, MAX_AUTHORITIES, WALK_PACKETS, Allowance


def test_the_walk_has_its_packets_and_no_more() -> None:
    allowance = Allowance()
    assert [allowance.take_walk() for _ in range(WALK_PACKETS + 2)] == [True] * WALK_PACKETS + [False] * 2


def test_each_authority_has_its_own_share() -> None:
    allowance = Allowance()
    for principal in (("a.example",), ("b.example",), ("registry.example", "a.example")):
        taken = [allowance.take_authority(principal) for _ in range(AUTHORITY_PACKETS + 1)]
        assert taken == [True] * AUTHORITY_PACKETS + [False]


def test_finding_out_who_somebody_is_has_a_share_of_its_own() -> None:
    allowance = Allowance()
    taken = [allowance.take_binding(("a.example", "registry.example")) for _ in range(BINDING_PACKETS + 1)]
    assert taken == [True] * BINDING_PACKETS + [False]
    assert allowance.take_authority(("a.example",))


def test_no_more_authorities_than_allowed() -> None:
    allowance = Allowance()
    assert all(allowance.take_authority((f"{n}.example",)) for n in range(MAX_AUTHORITIES))
    assert not allowance.take_authority(("one-more.example",))
    assert allowance.take_authority(("0.example",)), "those already asked keep what is left of their share"


def test_no_more_names_are_found_out_than_allowed() -> None:
    allowance = Allowance()
    found_out = 0
    while allowance.may_bind():
        assert allowance.take_binding((f"{found_out}.example",))
        found_out += 1
    assert found_out == 2 * MAX_AUTHORITIES
    assert not allowance.take_binding(("one-more.example",))
