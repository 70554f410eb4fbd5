"""Notebook magics: ``%load_ext wattmark``, then ``%%wattmark`` above a cell.

``%%wattmark``             measure this cell and show a card below it
``%wattmark STATEMENT``    measure one statement
``%wattmark start``        measure from here on, over several cells
``%wattmark stop``         end that and show its card
``%wattmark``              show how it stands, or the last card again
"""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from IPython.core.error import UsageError as ShellUsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class
from IPython.display import display as ipython_display

from wattmark import live
from wattmark.core.errors import WattmarkError
from wattmark.integrations.notebook_card import Card
from wattmark.live import Track

display: Any = ipython_display
"""Shows a thing below the cell; IPython leaves it untyped."""
_FLAG = re.compile(r"(--[a-z]+)(?:=|\s+|$)")
_VALUE = re.compile(r"""("[^"]*"|'[^']*'|\S+)\s*""")


class _Parser(argparse.ArgumentParser):
    """Tells a mistake in the notebook's own way instead of ending the process."""

    def error(self, message: str) -> NoReturn:
        raise ShellUsageError(f"{message}\n{self.format_usage()}")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        raise ShellUsageError(message or "")


def _parser() -> _Parser:
    parser = _Parser(prog="%%wattmark", description=__doc__, add_help=False, allow_abbrev=False)
    parser.add_argument("--name", default=None, help="Name on the card.")
    parser.add_argument("--stage")
    parser.add_argument("--model")
    parser.add_argument("--task")
    parser.add_argument("--work", action="append", default=[], metavar="UNIT=N", help="What the cell does.")
    parser.add_argument("--out", help="Folder for the run file; none is written without it.")
    parser.add_argument("--save", metavar="NAME", help="Keep the track under this name in the notebook.")
    parser.add_argument("--quiet", action="store_true", help="Show no card.")
    return parser


@magics_class
class WattmarkMagics(Magics):
    """``%wattmark`` and ``%%wattmark``."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._shell: Any = shell
        self._open: tuple[Track, argparse.Namespace] | None = None
        self._last: Card | None = None

    @line_cell_magic
    def wattmark(self, line: str, cell: str | None = None) -> Any:
        """Measure the energy of a cell or a statement: ``%%wattmark --stage training``."""
        options, statement = self._options(line)
        if cell is not None:
            if statement:
                raise ShellUsageError(f"%%wattmark takes options only, not {statement!r}")
            return self._measured(cell, options)
        if statement == "start":
            return self._start(options)
        if statement == "stop":
            return self._stop()
        if statement:
            return self._measured(statement, options)
        return self._status()

    def _options(self, line: str) -> tuple[argparse.Namespace, str]:
        words, rest = split_options(line)
        return _parser().parse_args(words), rest

    def _track(self, options: argparse.Namespace) -> Track:
        try:
            return live.track(
                options.name or "cell",
                stage=options.stage,
                model=options.model,
                task=options.task,
                out=options.out,
                work=_work(options.work),
            )
        except WattmarkError as error:
            raise ShellUsageError(str(error)) from None

    def _measured(self, source: str, options: argparse.Namespace) -> Any:
        """Run a piece of the notebook's code while measuring; its errors come through."""
        code = self._compiled(source)
        track = self._track(options)
        self._keep(track, options)
        failed = True
        track.start()
        try:
            value = self._run(*code)
            failed = False
        finally:
            track.stop(failed=failed)
            self._show(track, options)
        return value

    def _start(self, options: argparse.Namespace) -> None:
        if self._open is not None:
            raise ShellUsageError("already measuring: %wattmark stop ends it")
        track = self._track(options)
        track.start()
        self._keep(track, options)
        self._open = (track, options)

    def _stop(self) -> None:
        if self._open is None:
            raise ShellUsageError("nothing is being measured: %wattmark start begins")
        track, options = self._open
        self._open = None
        track.stop()
        self._show(track, options)

    def _status(self) -> None:
        if self._open is not None:
            track, options = self._open
            display(Card(f"{options.name or 'cells'}, so far", track.run, track.facts()))
        elif self._last is not None:
            display(self._last)
        else:
            print("nothing was measured yet: put %%wattmark above a cell")  # noqa: T201 - a notebook prints

    def _keep(self, track: Track, options: argparse.Namespace) -> None:
        if options.save:
            self._shell.user_ns[options.save] = track

    def _show(self, track: Track, options: argparse.Namespace) -> None:
        name = options.name or ("cell" if self._open is None else "cells")
        try:
            card = Card(name, track.run, track.facts())
        except WattmarkError:
            # A window of a run around it (%wattmark start, or a measured notebook): that one has the card.
            if not options.quiet:
                print(f"{name}: a window of the run that is being measured")  # noqa: T201
            return
        self._last = card
        if not options.quiet:
            display(card)

    def _compiled(self, source: str) -> tuple[Any, Any]:
        """The statements, and the last expression whose value the cell shows."""
        plain = self._shell.transform_cell(source)
        name = self._shell.compile.cache(plain, self._shell.execution_count)
        tree = self._shell.transform_ast(self._shell.compile.ast_parse(plain, filename=name))
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        try:
            statements = self._shell.compile(tree, name, "exec")
            shown = self._shell.compile(ast.Expression(last.value), name, "eval") if last else None
        except SyntaxError as error:
            if "await" in str(error):
                raise ShellUsageError(
                    "a cell with `await` is measured with `async with wattmark.track() as run:` inside it"
                ) from None
            raise
        return statements, shown

    def _run(self, statements: Any, shown: Any) -> Any:
        namespace = self._shell.user_ns
        exec(statements, namespace)
        return eval(shown, namespace) if shown is not None else None


def split_options(line: str) -> tuple[list[str], str]:
    """The options in front of a line as words, and the statement after them as it was written."""
    words: list[str] = []
    rest = line.strip()
    while found := _FLAG.match(rest):
        words.append(found[1])
        rest = rest[found.end() :]
        if found[1] != "--quiet" and (value := _VALUE.match(rest)):
            words.append(value[1].strip("\"'"))
            rest = rest[value.end() :]
    return words, rest


def _work(pairs: Sequence[str]) -> dict[str, float]:
    work: dict[str, float] = {}
    for pair in pairs:
        unit, _, count = pair.partition("=")
        try:
            work[unit] = float(count)
        except ValueError:
            raise ShellUsageError(f"--work {pair!r} is not UNIT=N, e.g. inferences=1000") from None
    return work


def load_ipython_extension(shell: Any) -> None:
    """Register the magics; called by ``%load_ext wattmark``."""
    shell.register_magics(WattmarkMagics(shell))
