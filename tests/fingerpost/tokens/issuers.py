"""An issuer in a folder and its daemon."""

from contextlib import AbstractContextManager

from tests.fingerpost.daemons import WebDaemon, running_web
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


def issuing(config: str = "issuer.toml") -> AbstractContextManager[WebDaemon]:
    """Run one from the current folder."""
    return running_web(config, "issuer serve")
