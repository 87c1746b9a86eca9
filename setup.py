"""Compiles the innermost loops with mypyc, where that is asked for; all else about the build is in pyproject.toml.

    FINGERPOST_COMPILE=1 pip install --no-build-isolation .

needs mypy and a C compiler. The sources are the same ones that run without: what cannot be compiled is left as it
is, and the installation is whole either way.
"""

import os

from setuptools import Extension, setup

COMPILED = [  # what runs for each datagram
    "resolver/front.py",
    "root/front.py",
    "transport/drain.py",
    "transport/rates.py",
    "zonedata/packets.py",
]


def extensions() -> list[Extension]:
    """Return what is to be compiled: nothing, unless FINGERPOST_COMPILE is 1."""
    if os.environ.get("FINGERPOST_COMPILE") != "1":
        return []
    try:
        from mypyc.build import mypycify  # noqa: PLC0415 - a build without it must not need it
    except ImportError as error:
        raise SystemExit("FINGERPOST_COMPILE=1 needs mypy: install fingerpost's 'dev' extra first") from error
    made: list[Extension] = mypycify([*COMPILED, "--config-file", "pyproject.toml"], opt_level="3")
    for extension in made:
        extension.optional = True  # without a compiler the sources are installed alone
    return made


setup(ext_modules=extensions())
