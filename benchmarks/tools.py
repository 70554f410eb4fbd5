"""The tools under test, as `tools.toml` declares them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DECLARED = Path(__file__).with_name("tools.toml")

KINDS = ("meter", "estimator")


class BadDeclaration(ValueError):
    """`tools.toml` says something that cannot be run; the message names the table and the key."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to drive a tool, as Python source."""

    name: str
    prep: str
    make: str
    start: str
    stop: str
    result: str = "None"
    background: bool = True
    judged: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool: how to install it, import it, call its command and drive it."""

    name: str
    kind: str
    ours: bool
    install: tuple[str, ...]
    distribution: str
    imports: Mapping[str, str]
    command: tuple[str, ...]
    variants: tuple[Variant, ...]


def load(path: Path = DECLARED) -> tuple[Tool, ...]:
    """Read the declarations, in the order of the file.

    Raises BadDeclaration for a missing or unknown key, and for source that does not compile.
    """
    with path.open("rb") as file:
        return tuple(_tool(name, table) for name, table in tomllib.load(file).items())


def _tool(name: str, table: Mapping[str, Any]) -> Tool:
    where = f"[{name}]"
    known = {"kind", "ours", "install", "distribution", "imports", "command", "variants"}
    _check_keys(where, table, required=known - {"ours", "command"}, known=known)
    if table["kind"] not in KINDS:
        raise BadDeclaration(f"{where} kind = {table['kind']!r}: use one of {', '.join(KINDS)}")
    for row, statement in table["imports"].items():
        _check_source(f"{where} imports.{row}", statement, "exec")
    return Tool(
        name=name,
        kind=table["kind"],
        ours=table.get("ours", False),
        install=tuple(table["install"]),
        distribution=table["distribution"],
        imports=dict(table["imports"]),
        command=tuple(table.get("command", ())),
        variants=tuple(
            _variant(f"[{name}.variants.{key}]", key, value) for key, value in table["variants"].items()
        ),
    )


def _variant(where: str, name: str, table: Mapping[str, Any]) -> Variant:
    source = {"prep", "make", "start", "stop"}
    _check_keys(where, table, required=source, known=source | {"result", "background", "judged", "note"})
    for key in sorted(source):
        _check_source(f"{where} {key}", table[key], "exec")
    _check_source(f"{where} result", table.get("result", "None"), "eval")
    return Variant(name=name, **table)


def _check_keys(where: str, table: Mapping[str, Any], required: set[str], known: set[str]) -> None:
    for key in sorted(required - set(table)):
        raise BadDeclaration(f"{where} lacks `{key}`: add it to tools.toml")
    for key in sorted(set(table) - known):
        raise BadDeclaration(f"{where} has an unknown key `{key}`: use {', '.join(sorted(known))}")


def _check_source(where: str, source: str, mode: str) -> None:
    try:
        compile(source, where, mode)
    except SyntaxError as error:
        raise BadDeclaration(f"{where} is not Python ({error.msg}): {source!r}") from error
