"""What is said about one question: on standard output, on standard error, and the exit status. Pure.

One question and a batch say the same, because it is said here. Left out: when it is said.
"""

from dataclasses import dataclass

from resolver.answer import Answer
from resolver.asked import Asked
from resolver.fpdig import document
from resolver.fpdig.exits import Exit
from resolver.fpdig.options import Options, Question
from resolver.fpdig.render import Frame, answer_text, banner, short_text
from resolver.fpdig.verdict import explanation, status_of
from resolver.fpdig.words import instant
from zonedata.trust import Trust, is_current


@dataclass(frozen=True, slots=True)
class Told:
    """What was said.

    Attributes:
        out: Text for standard output, with its newlines.
        err: A line for standard error, "" for none.
        status: The exit status.
    """

    out: str
    err: str
    status: Exit


def tell(
    answer: Answer, question: Question, frame: Frame, steps: list[Asked] | None = None, error: str = ""
) -> Told:
    """Tell an answer as the options want it; what else would go without a word is said on standard error."""
    options, status = question.options, status_of(answer)
    if options.json:
        out = document.document(answer, options, steps=steps, error=error) + "\n"
        return Told(out, "", status)
    if options.short:
        out = "".join([f"{short_text(answer, reach)}\n" for reach in answer.reaches])
    else:
        out = answer_text(answer, question, frame)
    is_told = options.is_text and options.comments
    is_enough = is_told or (status is Exit.ANSWERED and bool(answer.reaches))
    return Told(out, "" if is_enough else explanation(answer, frame.basis), status)


def tell_silence(question: Question, frame: Frame, reasons: list[str]) -> Told:
    """Tell that nobody answered, beside what `failure` says of each try."""
    options, out = question.options, ""
    if options.is_text and options.cmd:
        out = "".join(f"{line}\n" for line in banner(question, frame))
    if options.json:
        out += document.unreached(question.csi, reasons) + "\n"
    said, err = placed(options, ";; no servers could be reached")
    return Told(out + said, err, Exit.UNREACHED)


def failure(reason: str) -> str:
    """Say that a try brought nothing."""
    return f";; communications error to {reason}"


def warning(trust: Trust, frame: Frame) -> str:
    """Say that an anchor does not count now, "" when it does."""
    if is_current(trust, frame.now):
        return ""
    life = trust.rootkeys.life
    return (
        f";; WARNING: the trust anchor {frame.basis.anchor} counts from {instant(life.issued)} "
        f"to {instant(life.expires)} only"
    )


def placed(options: Options, remark: str) -> tuple[str, str]:
    """Return a remark about the asking itself as what goes out and what goes to standard error.

    It stands between the lines of dig's layout; anything else on standard output is for programs.
    """
    return (f"{remark}\n", "") if options.is_text else ("", remark)
