"""Keeping an answer: the bundle and the picture that +bundle and +svg write. A shell around `explain`."""

import os
import tempfile
from pathlib import Path

from resolver.answer import OUR_TYPES, Answer
from resolver.explain.lines import Case
from resolver.explain.svg import picture
from resolver.fpdig.options import Options
from resolver.fpdig.words import rcode_text
from zonedata import bundle
from zonedata.account import account_of
from zonedata.bundle import Bundle
from zonedata.errors import MalformedError
from zonedata.judgement import Outcome, hear, judge
from zonedata.trust import Trust
from zonedata.wire import Rcode


def keep(answer: Answer, options: Options, trust: Trust, now: float) -> list[str]:
    """Write what the options want kept; return why anything was not.

    Args:
        answer: What a resolver said.
        options: With the files, each written whole or not at all.
        trust: The anchor it was judged by.
        now: Unix seconds at which it was.
    """
    faults = []
    for flag, path in options.kept:
        try:
            kept = bundle_of(answer, trust, now)
            check_same(kept, answer)
            octets = bundle.write(kept) if flag == "+bundle" else _picture(kept, options.anchor, trust, now)
            write_new(Path(path), octets)
        except MalformedError as error:
            faults.append(f"{flag}={path}: nothing was written: {error}")
        except OSError as error:
            faults.append(f"{flag}={path}: cannot be written: {error.strerror}")
    return faults


def bundle_of(answer: Answer, trust: Trust, now: float) -> Bundle:
    """Make a bundle of an answer, with what was asked for directly; pure.

    Raises:
        MalformedError: It brings no proof.
    """
    reply = answer.via.reply
    if reply is None or reply.rcode != Rcode.NOERROR:
        raise MalformedError(f"an answer of {rcode_text(answer.rcode)} brings no proof")
    shown = answer.proof or tuple(record.rdata for record in reply.records if record.rtype in OUR_TYPES)
    return Bundle(answer.csi, int(now), answer.via.server, trust, shown)


def check_same(kept: Bundle, answer: Answer) -> None:
    """Refuse a bundle that, judged for the time it was asked, says something else than the answer; pure.

    Raises:
        MalformedError: It does.
    """
    judged = judge(kept.csi.owner, kept.trust, kept.wires(), float(kept.asked))
    if (judged.outcome, judged.complete) != (answer.outcome, answer.complete):
        told, said = (_in_words(one.outcome, is_complete=one.complete) for one in (answer, judged))
        raise MalformedError(f"the answer is {told}, and what there is to keep comes to {said}")


def _in_words(outcome: Outcome, *, is_complete: bool) -> str:
    return f"{outcome}, {'complete' if is_complete else 'not complete'}"


def _picture(kept: Bundle, anchor: str, trust: Trust, now: float) -> bytes:
    account = account_of(hear(kept.csi.owner, trust, kept.wires(), now))
    return picture(Case(kept, account, anchor, trust)).encode("ascii")


def write_new(path: Path, octets: bytes) -> None:
    """Write a new file, whole or not at all: under another name beside it, synced, then linked to its own.

    Raises:
        OSError: It is there already, or cannot be written.
    """
    try:
        _write_new(path, octets)
    except FileExistsError as error:
        raise FileExistsError(error.errno, "is there already, and is not overwritten", str(path)) from error
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def _write_new(path: Path, octets: bytes) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o600)  # it tells whom its owner asked about
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        os.link(name, path)
    finally:
        Path(name).unlink(missing_ok=True)
