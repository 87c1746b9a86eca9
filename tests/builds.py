"""Which modules are tested: the sources, or those of `make test-compiled`."""

import pytest

from zonedata import wire

IS_COMPILED = not str(wire.__file__).endswith(".py")
NEEDS_SOURCES = pytest.mark.skipif(
    IS_COMPILED, reason="puts something else in the place of what compiled code calls"
)
