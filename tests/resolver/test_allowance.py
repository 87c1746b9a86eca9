from resolver.allowance import AUTHORITY_PACKETS, MAX_AUTHORITIES, WALK_PACKETS, Allowance


def test_the_walk_has_its_packets_and_no_more() -> None:
    allowance = Allowance()
    assert [allowance.take_walk() for _ in range(WALK_PACKETS + 2)] == [True] * WALK_PACKETS + [False] * 2


def test_each_authority_has_its_own_share() -> None:
    allowance = Allowance()
    for name in ("a.example", "b.example"):
        taken = [allowance.take_authority(name) for _ in range(AUTHORITY_PACKETS + 1)]
        assert taken == [True] * AUTHORITY_PACKETS + [False]


def test_no_more_authorities_than_allowed() -> None:
    allowance = Allowance()
    assert all(allowance.take_authority(f"{n}.example") for n in range(MAX_AUTHORITIES))
    assert not allowance.take_authority("one-more.example")
    assert allowance.take_authority("0.example"), "those already asked keep what is left of their share"
