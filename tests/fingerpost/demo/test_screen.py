from pathlib import Path

from fingerpost.demo import screen
from fingerpost.demo.building import DOORS, NOBODY, World
from fingerpost.demo.checking import Checked
from fingerpost.demo.plan import Plan
from fingerpost.demo.processes import Failed
from fingerpost.demo.samples import Sample
from resolver.answer import Answer, Reach, Row, Via
from tests.zonedata.builders import World as Tree
from tests.zonedata.builders import ZoneSpec
from transport.handler import Protocol
from zonedata import identifiers
from zonedata.judgement import Outcome
from zonedata.kinds import Assurance, Role
from zonedata.opening import Claim
from zonedata.standing import Standing
from zonedata.statements import Statement

PORTS = {name: 65_500 + at for at, name in enumerate((*DOORS, NOBODY))}
TREE = Tree(
    {
        ".": ZoneSpec({"+44": ["numbers.gb.example registry"], "+442": ["alpha.example msp"]}),
        "numbers.gb.example": ZoneSpec({"+44": ["beta.example msp"], "+442079460": ["gamma.example msp"]}),
    }
)


def widest(text: str) -> int:
    return max(len(line) for line in text.splitlines())


def claim(zone: str, statement: Statement) -> Claim:
    return Claim(TREE.zone(zone).seal(statement), statement)


def an_answer() -> Answer:
    zones = ("numbers.gb.example", ".")
    claims = [claim(zone, statement) for zone in zones for statement in TREE.zone(zone).statements()]
    reach = Reach("gamma.example", "mimi://gamma.example/n/442079460123", Assurance.ASSERTED, 0)
    rows = (
        Row(".", Role.REGISTRY, Standing.REFERRED),
        Row("alpha.example", Role.MSP, Standing.DENIED),
        Row("beta.example", Role.MSP, Standing.UNREACHABLE),
        Row("gamma.example", Role.MSP, Standing.ASSERTED),
    )
    csi = identifiers.parse("+442079460123")
    return Answer(csi, Outcome.FOUND, False, True, (reach,), rows, (), tuple(claims), Via("", Protocol.UDP, 1.0))


def test_it_says_first_that_all_is_fiction() -> None:
    assert "Everything in it is fictitious" in screen.WELCOME
    assert widest(screen.WELCOME) <= 80


def test_a_look_up_shows_the_chain_from_the_root_down() -> None:
    text = screen.look_up(an_answer())
    assert (
        text
        == """
+442079460123: found, incomplete, verified
  root                +44             -> numbers.gb.example
                      +442            -> alpha.example
  numbers.gb.example  +44             -> beta.example
                      +442079460      -> gamma.example
  alpha.example       denied
  beta.example        unreachable
  gamma.example       asserted    mimi://gamma.example/n/442079460123
"""
    )
    assert widest(text) <= 80


def test_an_answer_without_proof_says_so() -> None:
    csi = identifiers.parse("alice@example.com")
    bare = Answer(csi, Outcome.NONE, True, None, (), (), (), (), Via("", Protocol.UDP, 1.0))
    assert screen.look_up(bare) == "\nalice@example.com: none, complete, not verified\n"


def test_it_says_who_listens_and_what_to_type(plan: Plan) -> None:
    world = World(Path("/tmp/fingerpost-demo-abcdefgh"), plan, PORTS, {}, [])  # noqa: S108 - a name, nothing is made
    text = screen.ready(world)
    assert widest(text) <= 80
    assert "resolver             127.0.0.1#65507  tls 65515  https 65516  quic 65517" in text
    assert "fpdig @tls://127.0.0.1:65515 +14155550123" in text
    assert "fpdig @127.0.0.1 -p 65507 +14155550123" in text
    assert "fpdig +trace +lab +14155550123" in text
    assert "dig @127.0.0.1 -p 65507 TYPE65281 \\\n      3.2.1.0.5.5.5.5.1.4.1.e164.fingerpost.internal\n" in text
    assert "Ctrl-C" in text


def test_short_commands_stand_on_one_line() -> None:
    assert screen._words("a", "b") == ["  a b"]


def test_the_table_counts_and_names_mistakes() -> None:
    good = Sample("carol@maths.school.example", "address below a domain", "found", True, ("delta.example",))
    partly = Sample("+12425550100", "found, another away", "found", False, ("alpha.example", "beta.example"))
    away = Sample("+13455550190", "a provider away", "incomplete", False, ())
    text = screen.table([Checked(good, 1.0, ""), Checked(partly, 1.0, "not verified"), Checked(away, 1.0, "")])
    assert (
        text
        == """
identifier                  case                    outcome          providers
carol@maths.school.example  address below a domain  found                    1
+12425550100                found, another away     found, partly            2
  WRONG: not verified
+13455550190                a provider away         incomplete               0

2 of 3 are as they must be.
"""
    )
    assert widest(text) <= 80


def test_progress_and_failure_are_said() -> None:
    assert screen.step(2.345, "signing") == "   2.3 s  signing\n"
    assert screen.failed(Failed("root", "ended with status 1", "why")) == (
        "fingerpost demo: root ended with status 1; its last words:\nwhy\n"
    )
