"""Whether the keys of a configuration agree with each other. Pure; a key that is wrong by itself is passed over."""

from collections.abc import Iterator, Mapping
from typing import Any

from fingerpost import sections as s
from fingerpost import upstream_sections as u
from fingerpost import validator_sections as v
from fingerpost.control import sections as c
from fingerpost.definitions import Given, Key
from fingerpost.gateway_sections import OBLIVIOUS
from fingerpost.plain_http import exposed
from fingerpost.tls_sections import ENCRYPTION
from fingerpost.tokens import sections as k
from fingerpost.toml_lines import Where
from zonedata.kinds import Role

Disagreement = tuple[Where, str]


def disagreements(given: Mapping[str, Given]) -> Iterator[Disagreement]:
    """Say where keys do not agree, and why."""
    _, listen, authority, sign, resolver, *_ = (given[section.name] for section in s.SECTIONS)
    if authority.is_there and resolver.is_there:
        yield s.RESOLVER.where(), "stands beside [authority]; a file is an authority's or a resolver's"
    if not authority.is_there and not resolver.is_there and not given[k.ISSUER.name].is_there:
        yield (), "has neither [authority] nor [resolver]; one of them says what to be"
    if listen.is_there:
        yield from _listen(listen, given[ENCRYPTION.name])
    elif resolver.is_there:
        yield (), "has a [resolver], but no [listen] that says where"
    if authority.is_there:
        yield from _authority(authority)
    if resolver.is_there:
        yield from _resolver(resolver)
    if sign.is_there:
        yield from _sign(authority, sign)
    if given[OBLIVIOUS.name].is_there:
        yield from _oblivious(listen, resolver)
    validate, mail, numbers = (given[section.name] for section in (v.VALIDATE, v.MAIL, v.NUMBERS))
    yield from _validate(authority, validate, mail, numbers)
    yield from k.disagreements_of(given)
    if given[c.CONTROL.name].is_there:
        yield from c.disagreements_of(given[c.CONTROL.name])


def _listen(listen: Given, tls: Given) -> Iterator[Disagreement]:
    keys = (*s.PLAIN, *s.ENCRYPTED)
    if not any(listen.has(key) for key in keys):
        words = " and ".join(f"no '{key.name}'" for key in keys)
        yield s.LISTEN.where(), f"has {words}, so nothing would be heard"
    for key in s.ENCRYPTED:
        if listen.get(key) and not tls.is_there:
            yield s.LISTEN.where(key.name), "needs a [tls] that says with which certificate"
    if listen.get(s.ALLOW_PLAIN):
        return
    for key in s.PLAIN:
        endpoints = listen.get(key)
        for index, endpoint in enumerate(endpoints if endpoints is not None else ()):
            if not endpoint.is_loopback:
                reason = (
                    f"{endpoint.to_text()} is no loopback address, and plain DNS is not encrypted; "
                    "'allow_plain = true' allows it"
                )
                yield s.LISTEN.where(key.name, index), reason


def _oblivious(listen: Given, resolver: Given) -> Iterator[Disagreement]:
    if not resolver.is_there:
        yield OBLIVIOUS.where(), "has no [resolver] beside it; people ask resolvers"
    if not listen.get(s.HTTPS):
        yield OBLIVIOUS.where(), "is asked over HTTPS, and [listen] has no 'https'"


def _is_zone(authority: Given) -> bool | None:
    """Say whether the authority has a zone; None when its name or roles are wrong."""
    name, roles = authority.get(s.NAME), authority.get(s.ROLES)
    if name is None or roles is None:
        return None
    return name == "." or Role.REGISTRY in roles


def _authority(authority: Given) -> Iterator[Disagreement]:
    name, roles = authority.get(s.NAME), authority.get(s.ROLES)
    if name is None or roles is None:
        return
    where = s.AUTHORITY.where(s.ROLES.name)
    people = [role for role in roles if role is not Role.REGISTRY]
    if name == "." and people and not authority.has(s.SPEAKS_AS):
        reason = "the root speaks for its zone only; 'speaks_as' names it where it speaks about people, too"
        yield where, reason
        return
    if name != "." and not roles:
        yield where, f"missing; expected {s.ROLES.form}: {s.ROLES.doc}"
    if authority.has(s.SPEAKS_AS) and name != ".":
        yield s.AUTHORITY.where(s.SPEAKS_AS.name), f"is for the root; {name} speaks as itself"
    elif authority.has(s.SPEAKS_AS) and not people:
        yield s.AUTHORITY.where(s.SPEAKS_AS.name), "has no use without a role, such as 'msp'"
    where = s.AUTHORITY.where(s.DENY_KEY.name)
    if people and not authority.has(s.DENY_KEY):
        yield where, f"missing; an authority with the role {people[0]} signs what it denies"
    if not people and (roles or name == ".") and authority.has(s.DENY_KEY):
        yield where, "a zone alone denies nothing about people; leave it out"
    where = s.AUTHORITY.where(s.REGISTER.name)
    if Role.VALIDATOR in roles and not authority.has(s.REGISTER):
        yield where, "missing; a validator shows whom it vouches for out of a register"
    if Role.VALIDATOR not in roles and authority.has(s.REGISTER):
        yield where, "has no place here without the role 'validator'"


def _sign(authority: Given, sign: Given) -> Iterator[Disagreement]:
    if not authority.is_there:
        yield s.SIGN.where(), "has no [authority] beside it that says whose store this is"
        return
    deny_key = authority.get(s.DENY_KEY)
    if deny_key is not None and deny_key in {sign.get(s.KEY), sign.get(s.REVOKE_KEY), sign.get(s.ZONE_KEY)}:
        yield s.AUTHORITY.where(s.DENY_KEY.name), "is the signing key too; the on-line key may sign denials only"
    name, is_zone = authority.get(s.NAME), _is_zone(authority)
    if is_zone is None:
        return
    is_whole = is_zone and _speaks_from_listings(authority, sign)
    yield from _sources(sign, name, is_zone=is_zone, is_whole=is_whole)
    if not is_zone or is_whole:
        yield from _revoking(authority, sign)
    if is_zone and name != "." and sign.has(s.ROOTKEYS):
        yield s.SIGN.where(s.ROOTKEYS.name), "is served by the root only"


def _sources(sign: Given, name: str | None, *, is_zone: bool, is_whole: bool) -> Iterator[Disagreement]:
    """Say what of the keys of [sign] is missing, and what has no place there."""
    people = (s.LISTINGS, s.NODES, s.REVOCATIONS, s.REVOKE_KEY, s.ZONE_KEY)
    needed: tuple[Key[Any], ...] = (s.LISTINGS, s.NODES)
    foreign: tuple[Key[Any], ...] = (s.ZONE, s.ANCHOR, s.ROOTKEYS, s.ZONE_KEY)
    if is_whole:
        needed, foreign = (s.ZONE, s.ANCHOR, s.ZONE_KEY, s.LISTINGS, s.NODES), ()
    elif is_zone:
        needed, foreign = (s.ZONE, s.ANCHOR), people
    for one in needed:
        if not sign.has(one):
            yield s.SIGN.where(one.name), f"missing; expected {one.form}: {one.doc}"
    whose = "a zone" if is_zone else "a provider's listings"
    for one in foreign:
        if sign.has(one):
            yield s.SIGN.where(one.name), f"has no place here: what is signed for {name} is {whose}"
    if is_whole and sign.has(s.ZONE_KEY) and sign.get(s.ZONE_KEY) in {sign.get(s.KEY), sign.get(s.REVOKE_KEY)}:
        yield s.SIGN.where(s.ZONE_KEY.name), "signs listings, too; a zone is signed with a key of its own"


def _speaks_from_listings(authority: Given, sign: Given) -> bool:
    """Say whether a zone's store has listings, too: always where it is an MSP, else when the file names any."""
    if authority.get(s.NAME) == "." and not authority.has(s.SPEAKS_AS):
        return False
    roles = authority.get(s.ROLES) or ()
    has_people = any(role is not Role.REGISTRY for role in roles)
    return Role.MSP in roles or (has_people and (sign.has(s.LISTINGS) or sign.has(s.REVOCATIONS)))


def _revoking(authority: Given, sign: Given) -> Iterator[Disagreement]:
    if sign.has(s.REVOCATIONS) and Role.CSIP not in (authority.get(s.ROLES) or ()):
        yield s.SIGN.where(s.REVOCATIONS.name), "has no place here without the role 'csip'"
    if sign.has(s.REVOKE_KEY) and not sign.has(s.REVOCATIONS):
        yield s.SIGN.where(s.REVOKE_KEY.name), "has nothing to sign without 'revocations'"


def _validate(authority: Given, validate: Given, mail: Given, numbers: Given) -> Iterator[Disagreement]:
    if not validate.is_there:
        for way in (mail, numbers):
            if way.is_there:
                yield way.section.where(), "has no [validate] beside it that would send any code"
        return
    roles = authority.get(s.ROLES)
    if not authority.is_there:
        yield v.VALIDATE.where(), "has no [authority] beside it that says who vouches"
    elif roles is not None and Role.VALIDATOR not in roles:
        yield v.VALIDATE.where(), "is for an authority with the role 'validator'"
    if not mail.is_there and not numbers.is_there:
        yield v.VALIDATE.where(), "has no [mail] and no [numbers] beside it, so no code would reach anybody"
    if validate.get(v.KEY) is not None and validate.get(v.KEY) == authority.get(s.DENY_KEY):
        yield v.VALIDATE.where(v.KEY.name), "is the deny_key too; each on-line key has one use"
    if validate.get(v.HTTP) == ():
        yield v.VALIDATE.where(v.HTTP.name), "has no address; nobody could ask"
    yield from exposed(v.VALIDATE, v.HTTP, validate)
    yield from _ways(mail, numbers)


def _ways(mail: Given, numbers: Given) -> Iterator[Disagreement]:
    if numbers.is_there and numbers.has(v.COMMAND) == numbers.has(v.URL):
        yield v.NUMBERS.where(), "expected one of 'command' and 'url'"
    tls = mail.get(v.TLS)
    if tls is not None and tls is not v.MailSecurity.REQUIRED and mail.has(v.LOGIN):
        yield v.MAIL.where(v.LOGIN.name), f"could be read on its way with tls = '{tls}'; it needs 'required'"


def _resolver(resolver: Given) -> Iterator[Disagreement]:
    servers = resolver.get(u.ROOT)
    lab, plain = resolver.get(s.LAB_ADDRESSES), resolver.get(u.ALLOW_PLAIN_UPSTREAM)
    for number, reason in u.undialled(servers or (), lab_addresses=bool(lab), allow_plain=bool(plain)):
        yield s.RESOLVER.where(u.ROOT.name, number), reason
