"""Where output goes, also where the terminal, the locale or the reader cannot take all of it."""

from __future__ import annotations

import codecs
import errno
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wattmark.core.errors import UsageError

if TYPE_CHECKING:
    from wattmark.reports.paper import Paper

STDOUT = "-"
"""Where a file is named: standard output."""

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
"""Output that does not fit is the disk's matter, not a defect."""

PLAIN = {
    "\u202f": " ",
    "\u2013": "-",
    "\u2026": "...",
    "\u2192": "->",
    "\u2212": "-",
    "\u2248": "~",
    "\u2265": ">=",
    "\u00b5": "u",
    "\u00b1": "+-",
    "\u00d7": "x",
}
"""Signs that mean the same in ASCII; block characters become ``#``, all else ``?``."""

_HANDLER = "wattmark-plain"


def allow_any_encoding() -> None:
    """Let text through to streams of small encodings: Latin-1, Windows code pages, ASCII."""
    codecs.register_error(_HANDLER, _plain)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # a stream that was replaced may have none
        encoding = str(getattr(stream, "encoding", None) or "utf-8")
        if reconfigure is not None and codecs.lookup(encoding).name != "utf-8":
            reconfigure(errors=_HANDLER)


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    unfit = error.object[error.start : error.end]
    return "".join(PLAIN.get(c, "#" if "\u2580" <= c <= "\u259f" else "?") for c in unfit), error.end


def only_ascii() -> bool:
    """Whether blocks cannot be printed, so that drawings must make do with plain signs."""
    try:
        "█".encode(str(getattr(sys.stdout, "encoding", None) or "utf-8"))
    except UnicodeEncodeError:
        return True
    return False


def write_to(target: str, content: str | bytes) -> None:
    """Write a file, and say so; ``-`` is standard output. Raises UsageError."""
    if target == STDOUT:
        click.echo(content, nl=False)
        return
    data = content.encode() if isinstance(content, str) else content
    try:
        Path(target).write_bytes(data)
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}") from None
    click.echo(f"wrote {target}", err=True)


def write_paper(paper: Paper, html: str | None, md: str | None, body: str | None) -> None:
    """A paper in the forms that were asked for, ``body`` being its JSON; else as text for the terminal."""
    from wattmark.reports.paper import paper_html, paper_markdown, paper_text

    if body is not None:
        click.echo(body)
    if html:
        write_to(html, paper_html(paper))
    if md:
        write_to(md, paper_markdown(paper))
    if not (html or md or body is not None):
        click.echo(paper_text(paper))
