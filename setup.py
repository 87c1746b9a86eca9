"""Compiles the hot paths with mypyc, where that is asked for; all else about the build is in pyproject.toml.

    FINGERPOST_COMPILE=1 pip install --no-build-isolation .

needs mypy and a C compiler. The sources are the same ones that run without: what cannot be compiled is left as it
is, and the installation is whole either way.
"""

import os

from setuptools import Extension, setup

EACH_DATAGRAM = [
    "fingerpost/gate.py",
    "resolver/front.py",
    "root/front.py",
    "transport/budgets.py",
    "transport/clients.py",
    "transport/drain.py",
    "transport/fast_path.py",
    "transport/fingerprints.py",
    "transport/networks.py",
    "transport/rates.py",
    "transport/sketch.py",
    "zonedata/cookies.py",
    "zonedata/packets.py",
]
EACH_LOOK_UP = [  # that is not ready: asking, reading, verifying, putting together, keeping
    "resolver/allowance.py",
    "resolver/answer.py",
    "resolver/cache.py",
    "resolver/ear.py",
    "resolver/finder.py",
    "resolver/flights.py",
    "resolver/minimised.py",
    "resolver/newest_keys.py",
    "resolver/outbound.py",
    "resolver/reply.py",
    "resolver/routes.py",
    "resolver/search.py",
    "resolver/servers.py",
    "resolver/service.py",
    "resolver/upstream.py",
    "resolver/proven/asking.py",
    "resolver/proven/entry.py",
    "resolver/proven/floors.py",
    "resolver/proven/kept_floors.py",
    "resolver/proven/keys.py",
    "resolver/proven/memory.py",
    "resolver/proven/order.py",
    "resolver/proven/supersession.py",
    "transport/clock.py",
    "transport/datagram_pool.py",
    "transport/datagram_port.py",
    "zonedata/admission.py",
    "zonedata/codec.py",
    "zonedata/fields.py",
    "zonedata/findings.py",
    "zonedata/foreign.py",
    "zonedata/holdings.py",
    "zonedata/judgement.py",
    "zonedata/keys.py",
    "zonedata/known_paths.py",
    "zonedata/life.py",
    "zonedata/names.py",
    "zonedata/opening.py",
    "zonedata/path.py",
    "zonedata/person_statements.py",
    "zonedata/recipient_statements.py",
    "zonedata/replies.py",
    "zonedata/sealed.py",
    "zonedata/standing.py",
    "zonedata/statements.py",
    "zonedata/weighing.py",
    "zonedata/wire.py",
]
EACH_ANSWER = [  # of a client's batch, besides what reads replies
    "resolver/reading.py",
    "zonedata/glimpses.py",
    "zonedata/identifiers.py",
    "zonedata/number_plans.py",
]


def extensions() -> list[Extension]:
    """Return what is to be compiled: nothing, unless FINGERPOST_COMPILE is 1."""
    if os.environ.get("FINGERPOST_COMPILE") != "1":
        return []
    try:
        from mypyc.build import mypycify  # noqa: PLC0415 - a build without it must not need it
    except ImportError as error:
        raise SystemExit("FINGERPOST_COMPILE=1 needs mypy: install fingerpost's 'dev' extra first") from error
    made: list[Extension] = mypycify(
        [*EACH_DATAGRAM, *EACH_LOOK_UP, *EACH_ANSWER, "--config-file", "pyproject.toml"], opt_level="3"
    )
    for extension in made:
        extension.optional = True  # without a compiler the sources are installed alone
    return made


setup(ext_modules=extensions())
