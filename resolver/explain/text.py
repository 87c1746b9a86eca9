"""An explanation as text of 80 columns, and as a JSON document. Pure."""

import json
from textwrap import wrap
from typing import Any

from resolver.answer import Answer
from resolver.explain.lines import Case, Mark, Section
from resolver.explain.words import plain
from resolver.fpdig.document import document
from resolver.fpdig.words import instant

COLUMNS = 80
VERSION = 1  # of the document; goes up when a reader would have to change
_SIGNS = {Mark.PROVEN: "+", Mark.NOTE: "-", Mark.UNPROVEN: "?", Mark.REFUSED: "!"}
LEGEND = "+ proven   - proven, and does not count   ? unproven   ! refused"


def text_of(case: Case, sections: list[Section], name: str) -> str:
    """Lay an explanation out; ends in a newline.

    Args:
        case: What is explained.
        sections: The explanation.
        name: Of the bundle's file.
    """
    bundle = case.bundle
    lines = _wrapped(f"{name}: who can be reached as {bundle.csi.text}, and who says so?", "", "  ")
    for word, said in (
        ("asked", f"{instant(bundle.asked)}, of {bundle.resolver}, as the bundle says"),
        ("judged", f"for {instant(int(case.account.now))}"),
        ("against", f"{case.anchor}, tree {case.trust.tree.hex()}"),
    ):
        lines += _wrapped(f"{word:<8} {said}", "  ", " " * 11)
    lines += ["", f"  {LEGEND}"]
    for number, section in enumerate(sections, 1):
        lines += ["", f"{number}. {section.title}"]
        for line in section.lines:
            lines += _wrapped(line.text, f"{_SIGNS[line.mark]:>3} ", "    ")
            for below in line.below:
                lines += _wrapped(below, "      ", "        ")
    return "".join(f"{line}\n" for line in lines)


def _wrapped(text: str, first: str, others: str) -> list[str]:
    """Wrap a line; no word is broken."""
    return wrap(
        plain(text),
        COLUMNS,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )


def document_of(case: Case, sections: list[Section], answer: Answer) -> str:
    """Return the JSON document of an explanation, on one line."""
    bundle = case.bundle
    told: dict[str, Any] = {
        "verify": VERSION,
        "asked": bundle.asked,
        "resolver": bundle.resolver,
        "judged": int(case.account.now),
        "tree": case.trust.tree.hex(),
        "rootkeys": {
            "anchor": case.trust.rootkeys.version,
            "caught_up": case.account.trust.rootkeys.version,
            "bundle": bundle.trust.rootkeys.version,
        },
        "answer": json.loads(document(answer)),
        "steps": [
            {
                "title": section.title,
                "lines": [{"mark": line.mark, "text": line.text, "below": line.below} for line in section.lines],
            }
            for section in sections
        ],
    }
    return json.dumps(told, ensure_ascii=False)
