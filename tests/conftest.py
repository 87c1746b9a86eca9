"""Hypothesis profiles: `ci` repeats itself exactly, `soak` (HYPOTHESIS_PROFILE=soak) searches for long.

And Ctrl-C counts: a shell without job control has what it starts in the background ignore it, and so would every
program that a test starts, and sends it to.
"""

import logging
import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from fingerpost.logfmt import Logfmt
from tests.builds import IS_COMPILED
from zonedata import wire

_SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]

settings.register_profile(
    "ci", derandomize=True, deadline=None, max_examples=60, database=None, suppress_health_check=_SLOW
)
settings.register_profile("soak", deadline=None, max_examples=5_000, suppress_health_check=_SLOW)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure() -> None:
    """Refuse to test other modules than those that were asked for (`make test-compiled`)."""
    if (os.environ.get("FINGERPOST_TEST") == "compiled") != IS_COMPILED:
        raise pytest.UsageError(f"these are not the modules to be tested: {wire.__file__}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave what takes long to `make soak`."""
    if os.environ.get("HYPOTHESIS_PROFILE") == "soak":
        return
    for item in items:
        if item.get_closest_marker("soak") is not None:
            item.add_marker(pytest.mark.skip(reason="takes long; left to `make soak`"))


@pytest.fixture(autouse=True)
def _log_of_its_own() -> Iterator[None]:
    """Take away what a command that ran in this process put in to print the log: for that test alone."""
    yield
    root = logging.getLogger()
    root.handlers[:] = [handler for handler in root.handlers if not isinstance(handler.formatter, Logfmt)]
