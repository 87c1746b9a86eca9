"""Limits, from the configuration to what stands before a worker's handler.

What is made before the fork is one for all workers: where rates and budgets are counted, and what cookies are made
with when there is no file for that.
"""

import logging
import secrets
from dataclasses import dataclass, field

from fingerpost import cookie_file
from fingerpost.budget_table import open_table
from fingerpost.configuration import Configuration
from fingerpost.gate import Gate
from fingerpost.logfmt import quoted
from transport.budgets import Budgets
from transport.clients import Clients
from transport.fast_path import FastPath
from transport.handler import Handler
from transport.rates import Rates, shared_table
from zonedata.cookies import Cookies, RollingSecrets, Secrets
from zonedata.errors import ConfigError, MalformedError, UntrustedError

MASTER_OCTETS = 32

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SharedLimits:
    """What the supervisor makes, and every worker finds.

    Attributes:
        rates: Where rates are counted.
        budgets: Where it is counted who asked about what; None where nobody has a budget.
        master: What secrets for cookies follow from, where no file has them.
    """

    rates: memoryview
    budgets: memoryview | None
    master: bytes = field(repr=False)


def prepared(configuration: Configuration) -> SharedLimits:
    """Make what all workers share."""
    limits = configuration.limits
    budgets = open_table(limits.table, limits.table_size) if limits.settings.counts_identifiers else None
    return SharedLimits(shared_table(), budgets, secrets.token_bytes(MASTER_OCTETS))


class Limiting:
    """The limits in one worker.

    Args:
        configuration: That of the daemon.
        shared: What all workers share.

    Raises:
        ConfigError: The secrets cannot be read.
    """

    def __init__(self, configuration: Configuration, shared: SharedLimits) -> None:
        self._configuration = configuration
        self._shared = shared
        self.cookies = Cookies(self._secrets())

    def gate(self, fast: FastPath, handler: Handler) -> Gate:
        """Return what stands before a handler and its fast path, which answers with our cookies."""
        settings = self._configuration.limits.settings
        clients = Clients(settings)
        rates = Rates(clients, self._shared.rates)
        budgets = Budgets(self._shared.budgets) if self._shared.budgets is not None else None
        return Gate(fast, handler, clients, rates, budgets, self.cookies, settings.is_dry_run)

    def reload(self) -> None:
        """Read the secrets anew; if that cannot be, log why and go on with those before."""
        if self._configuration.limits.cookie_secrets is None:
            return
        try:
            self.cookies.take_over(self._secrets())
        except ConfigError as error:
            for fault in error.faults:
                log.warning("event=cookie-secrets-not-read reason=%s", quoted(fault.to_text()))
        else:
            log.info("event=cookie-secrets-read")

    def _secrets(self) -> Secrets:
        path = self._configuration.limits.cookie_secrets
        if path is None:
            return RollingSecrets(self._shared.master)
        try:
            return cookie_file.read(path).secrets()
        except (MalformedError, UntrustedError) as error:
            reason = f"{path}: {error}"
            raise ConfigError([self._configuration.fault(("limits", "cookie_secrets"), reason)]) from error
