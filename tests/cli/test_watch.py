"""``wattmark watch``."""

import json
import os
import pty
import re
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.agent.live_server import a_document, answering
from tests.fakes.processes import started
from wattmark.cli.watch import command
from wattmark.reports.live_read import read_live
from wattmark.reports.live_view import Courses, live_text


def test_once_prints_every_table() -> None:
    """Models with and without idle energy, tenants, devices, engines, and what the agent costs."""
    with answering((200, a_document())) as url:
        result = CliRunner().invoke(command, [url, "--once"])
    assert result.exit_code == 0, result.output
    text = result.output.replace("\u202f", " ")
    assert "node hhhhhhhhhhhh  00:00:00 to 00:01:00 UTC" in text
    assert "divided by request_tokens" in text
    row = next(line for line in text.splitlines() if line.startswith("chat"))
    assert re.split(r"\s{2,}", row)[:6] == ["chat", "0.133", "1", "100 J ±5 %", "125 J ±5 %", "12.5 J ±5 %"]
    assert "acme" in text
    assert "down: connection refused" in text
    assert "agent 0.1: 1.50 CPU s, 30 MB, nothing in a ledger yet" in text


def test_json_is_the_document_as_it_came() -> None:
    """Schema and figures of the agent, for programs."""
    with answering((200, a_document())) as url:
        result = CliRunner().invoke(command, [url, "--json"])
    assert json.loads(result.output)["schema"] == "wattmark.live"


def test_a_course_forgets_nothing_and_repeats_nothing() -> None:
    """A minute that is seen twice is one point; a model that is absent has a hole, not a zero."""
    courses = Courses()
    first = read_live(a_document(0).encode(), "here")
    gone = read_live(a_document(1).replace('"chat"', '"other"').encode(), "here")
    for live in (first, first, gone):
        courses.add(live)
    assert courses.of(first.models[0]) == (12.5, None)
    assert courses.of(gone.models[0]) == (12.5,)
    assert "▁" not in live_text(gone, courses, ascii_only=True)


def test_before_the_first_minute_is_over() -> None:
    """Nothing is told as 0."""
    told = json.loads(a_document())
    empty = {
        **told,
        "models": [],
        "services": [],
        "devices": [],
        "engines": [],
        "seconds": 0.0,
        "agent": None,
    }
    live = read_live(json.dumps(empty).encode(), "here")
    assert live_text(live, Courses()).splitlines()[0].startswith("node hhhhhhhhhhhh  no minute is over yet")


def test_trouble_stands_on_top_and_missing_figures_say_why() -> None:
    """A ledger that does not take what is there is the second line; no tokens, no J per token."""
    told = json.loads(a_document(trouble="the ledger's disk is full", spool_files=3, last_landed_us=0))
    missing = {"status": "missing", "field": "tokens", "hint": "neither tell them"}
    undefined = {"status": "undefined", "reason": "no request was finished"}
    told["models"][0]["joules_per_output_token"] = {"attributed": missing, "service": missing}
    told["models"][0]["joules_per_request"]["service"] = undefined
    text = live_text(read_live(json.dumps(told).encode(), "here"), Courses(), age_seconds=2.0)
    assert text.splitlines()[1] == "trouble: the ledger's disk is full"
    assert "chat: missing: tokens (neither tell them)" in text
    assert "chat: undefined: no request was finished" in text
    assert "00:00:00 UTC in the ledger, 3 files wait" in text


def read_until(terminal: int, enough: Callable[[bytes], bool]) -> bytes:
    """What a terminal shows until it is enough, nobody writes to it any more, or a minute is over."""
    seen, until = b"", time.monotonic() + 60
    while not enough(seen) and time.monotonic() < until:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                seen += os.read(terminal, 65536)
            except OSError:  # EIO: its last writer has ended
                break
    return seen


@pytest.mark.slow
def test_a_terminal_is_redrawn_until_it_is_interrupted(tmp_path: Path) -> None:
    """The second minute replaces the first; an agent that goes away is told; Ctrl-C ends it with 130."""
    with answering((200, a_document(0)), (200, a_document(1)), (500, "broken")) as url:
        master, slave = pty.openpty()
        arguments = [sys.executable, "-m", "wattmark", "watch", url, "--every", "0.5"]
        environ = {**os.environ, "COLUMNS": "200", "LINES": "60", "TERM": "xterm"}
        with started(arguments, stdout=slave, stderr=slave, env=environ, cwd=tmp_path) as process:
            os.close(slave)
            seen = read_until(master, lambda said: b"500 Internal Server Error" in said)
            process.send_signal(signal.SIGINT)
            read_until(master, lambda _: process.poll() is not None)  # who does not read holds it up
            assert process.wait(60) == 130
        os.close(master)
    assert b"00:00:00 to 00:01:00 UTC" in seen
    assert b"00:01:00 to 00:02:00 UTC" in seen
    assert b"500 Internal Server Error" in seen
