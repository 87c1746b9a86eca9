"""The reference of the configuration, written from its definitions."""

from typing import Any

from fingerpost.definitions import Key, Required
from fingerpost.limit_sections import CLIENT
from fingerpost.relay_sections import RELAY
from fingerpost.sections import SECTIONS
from fingerpost.tree_tables import TREE
from zonedata import names
from zonedata.names import Name


def to_text() -> str:
    """Write every key with what is expected, its default and what it is for."""
    lines = ["# Everything a configuration may hold. Paths are relative to its file."]
    for section in (*SECTIONS, TREE, CLIENT, RELAY):
        heading = f"[[{section.name}]]" if section is TREE or section is CLIENT else f"[{section.name}]"
        heading = heading if section.name else "(above all tables)"
        lines += ["", f"{heading}  {section.doc}"]
        for key in section.keys:
            lines += [f"  {key.name}: {key.form}; {_default_text(key)}", f"      {key.doc}"]
    return "\n".join(lines)


def _default_text(key: Key[Any]) -> str:
    match key.default:
        case Required():
            return "required"
        case bool() as flag:
            return f"default {str(flag).lower()}"
        case int() as number:
            return f"default {number}"
        case str() as word:
            return f'default "{word}"'
        case bytes() as name:
            return f'default "{names.to_text(Name(name))}"'
        case _:
            return "optional"
