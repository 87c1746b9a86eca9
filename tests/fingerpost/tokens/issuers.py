"""An issuer in a folder and its daemon."""

import re
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fingerpost.daemons import PATIENCE, starting
from tests.fingerpost.household import Household

ISSUER = """\
[issuer]
http = ["127.0.0.1#0"]
keys = "keys"
clients = "clients"
grants = "grants"
ahead = 1
"""


def issuer(house: Household, **quotas: int) -> None:
    """Put an issuer here: issuer.toml and all that it names; and a secret for each client."""
    house.write("issuer.toml", ISSUER)
    for name, quota in quotas.items():
        house.add("clients", house.sound("issuer", "client", name, str(quota), f"{name}.secret"))


class Izzy:
    """A running daemon."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}/"
        self._log = log

    @property
    def log(self) -> str:
        return self._log.read_text()

    def end(self) -> int:
        self.process.terminate()
        return self.process.wait(PATIENCE)


@contextmanager
def issuing(config: str = "issuer.toml") -> Iterator[Izzy]:
    """Run one from the current folder."""
    with starting(config, "issuer serve") as (process, ready, log):
        line = ready.readline()
        assert line, log.read_text()
        assert select.select([ready], [], [], PATIENCE)[0], "somebody still holds it"
        found = re.fullmatch(rb"ready tcp=127\.0\.0\.1#(\d+)\n", line)
        assert found, line
        yield Izzy(process, int(found[1]), log)
        if process.poll() is None:
            process.terminate()
            assert process.wait(PATIENCE) == 0, log.read_text()
