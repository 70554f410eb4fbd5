"""What a tool does to its host unasked: sockets, look-ups, programs, files, output, threads left."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

from benchmarks.context import Context, Driven
from benchmarks.launch import Finished, Job, probe
from benchmarks.results import Measurement

TEMPORARY = re.compile(r"(tmp)?[a-z0-9_]{8}")
SITUATION = "import and one window of 3 s"


def measure(context: Context) -> Iterator[Measurement]:
    """One process under Python's audit events, which see Python code only; `packets` sees all."""
    job = Job(windows=1, sleep_s=3.0, witness=True)
    for driven in context.driven():
        done = probe(driven.installed.python, driven.variant, job)
        seen = done.answer["seen"] if imported(done) else None
        tool, variant = driven.installed.tool.name, driven.variant
        count = () if seen is None else (float(seen["sockets"] + seen["lookups"]),)
        yield Measurement("sockets", tool, "", count, variant.name, error="" if count else done.error)
        note(context, driven, SITUATION, done)


def imported(done: Finished) -> bool:
    """Whether the tool could be imported at all; otherwise there is no behaviour to praise."""
    return bool(done.answer.get("imported"))


def note(context: Context, driven: Driven, situation: str, done: Finished) -> None:
    """Keep what a process did."""
    seen = done.answer.get("seen", {})
    said = done.said.strip()
    context.observe(
        driven,
        situation,
        error=done.error,
        names_looked_up=seen.get("names", []),
        programs_run=sorted({_program(words) for words in seen.get("programs", [])}),
        files_written=sorted({_file(path) for path in seen.get("files", [])}),
        threads_left=done.answer.get("threads_left", []),
        lines_printed=len(said.splitlines()) or None,
        last_line_printed=said.splitlines()[-1][:200] if said else "",
    )


def _program(words: str) -> str:
    """A program by its name and first argument, without folders."""
    return " ".join(PurePath(word).name for word in words.split()[:2])


def _file(path: str) -> str:
    """A file by its name; the random ones of Python's tempfile are all alike."""
    name = PurePath(path).name
    return "a temporary file" if name == "<path>" or TEMPORARY.fullmatch(name) else name
