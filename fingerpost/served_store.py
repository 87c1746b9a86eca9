"""The store that a running authority answers from, and its exchange for a new one.

Answers are made in one step, without waiting, so between two of them the engine can be exchanged: no question is
lost, and none is answered from two stores.
"""

import logging
from pathlib import Path

from fingerpost import sections as s
from fingerpost.configuration import Configuration
from fingerpost.logfmt import quoted
from fingerpost.workload import check_store_owner
from root.engine import Engine
from root.front import Front
from root.service import Service
from root.validator.store import RegisterReader
from transport.handler import Caller, Verdict
from zonedata.cookies import Cookies
from zonedata.errors import ConfigError, MalformedError
from zonedata.keys import PrivateKey
from zonedata.kinds import Role
from zonedata.store.disk import DiskTables

log = logging.getLogger(__name__)


class ServedStore:
    """An authority, answering.

    Args:
        configuration: That of an authority.
        deny_key: What it signs denials with, if it does.

    Raises:
        ConfigError: Its store is not there, cannot be used, or is somebody else's.
    """

    def __init__(self, configuration: Configuration, deny_key: PrivateKey | None) -> None:
        authority = configuration.authority
        assert authority is not None, "the caller has looked"
        self._configuration = configuration
        self._path = authority.store
        self._deny_key = deny_key
        self._roles = tuple(role for role in authority.roles if role is not Role.REGISTRY)
        self._build = self._path.resolve()  # no build is opened twice: LMDB allows one environment a process
        self._register = self._opened_register(authority)
        try:
            self._tables, engine = self._opened(self._build)
        except ConfigError:
            self._close_register()
            raise
        self._service = Service(engine, configuration.apex)
        self._fronts: list[Front] = []

    def front(self, cookies: Cookies) -> Front:
        """Return the fast path for datagrams; it goes over to other stores with us."""
        front = Front(self._service.engine, self._configuration.apex, self._service.packets, cookies)
        self._fronts.append(front)
        return front

    @property
    def serial(self) -> int:
        """The serial that is being served."""
        return self._service.engine.serial

    def to_text(self) -> str:
        """Say whose store is served, and which."""
        name = quoted(self._service.engine.authority)
        return f"authority={name} serial={self.serial} store={quoted(self._path)} build={quoted(self._build.name)}"

    def handle(self, message: bytes, caller: Caller, now: float) -> Verdict:
        """Answer one message; see `root.service`."""
        return self._service.handle(message, caller, now)

    def reload(self) -> None:
        """Go over to the store that is there now; if that cannot be, log why and go on as before."""
        build = self._path.resolve()
        if build == self._build:
            log.info("event=reload-not-needed store=%s serial=%d", quoted(self._path), self.serial)
            return
        try:
            tables, engine = self._opened(build)
            if engine.serial < self.serial:
                tables.close()
                raise ConfigError([self._configuration.fault(s.AUTHORITY.where(s.STORE.name), self._older(engine))])
        except ConfigError as error:
            for fault in error.faults:
                log.warning("event=reload-failed serial=%d reason=%s", self.serial, quoted(fault.to_text()))
            return
        log.info("event=reloaded store=%s serial=%d was=%d", quoted(self._path), engine.serial, self.serial)
        self._tables.close()
        self._service.take_over(engine)
        for front in self._fronts:
            front.take_over(engine)
        self._tables, self._build = tables, build

    def _older(self, engine: Engine) -> str:
        """Say why a store from before the one that is served is not taken over.

        Resolvers have seen what is served, and would refuse what was said before it until it expires.
        """
        was = f"serial {engine.serial}, older than {self.serial} that is being served"
        return f"{self._path}: {was}: resolvers would refuse what it says; 'fingerpost sign' says it anew"

    def close(self) -> None:
        """Give the maps back; nothing is answered afterwards."""
        self._tables.close()
        self._close_register()

    def _close_register(self) -> None:
        if self._register is not None:
            self._register.close()

    def _opened_register(self, authority: s.AuthorityPart) -> RegisterReader | None:
        if authority.register is None:
            return None
        where = s.AUTHORITY.where(s.REGISTER.name)
        if not authority.register.exists():
            reason = f"{authority.register}: there is no register; 'fingerpost validate' makes it"
            raise ConfigError([self._configuration.fault(where, reason)])
        try:
            return RegisterReader(authority.register, authority.speaker)
        except MalformedError as error:
            raise ConfigError([self._configuration.fault(where, str(error))]) from error

    def _opened(self, build: Path) -> tuple[DiskTables, Engine]:
        where = s.AUTHORITY.where(s.STORE.name)
        if not build.exists():
            reason = f"{self._path}: there is no store; 'fingerpost sign' makes it"
            raise ConfigError([self._configuration.fault(where, reason)])
        try:
            tables = DiskTables(build)
        except MalformedError as error:
            raise ConfigError([self._configuration.fault(where, str(error))]) from error
        try:
            engine = Engine(tables, self._deny_key, self._roles, self._register)
            check_store_owner(self._configuration, engine.authority)
        except (ValueError, ConfigError) as error:
            tables.close()
            if isinstance(error, ConfigError):
                raise
            raise ConfigError([self._configuration.fault(where, f"is damaged: {error}")]) from error
        return tables, engine
