"""What waits is private, bounded, and never half a file."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.exporters.sinks.samples import MESSAGE, OVER
from wattmark.core.governance.message import Topic
from wattmark.exporters.sinks import spool as module
from wattmark.exporters.sinks.spool import Spool


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """An empty one."""
    return Spool(tmp_path / "notify")


def test_what_waits_comes_back_whole(spool: Spool) -> None:
    """With its tables, and why it waits."""
    assert spool.keep("green", MESSAGE, "HTTP 503") == 0
    (item,) = spool.waiting()
    assert (item.route, item.message, item.problem) == ("green", MESSAGE, "HTTP 503")
    spool.forget("green", MESSAGE)
    assert list(spool.waiting()) == []


def test_a_later_message_takes_the_place_of_one_that_waits(spool: Spool) -> None:
    """Of the same matter and route; another route has its own."""
    spool.keep("green", MESSAGE, "")
    spool.keep("green", OVER, "")
    spool.keep("board", MESSAGE, "")
    assert [(w.route, w.message.title) for w in spool.waiting()] == [
        ("green", OVER.title),
        ("board", MESSAGE.title),
    ]


def test_nobody_else_may_read_it(spool: Spool) -> None:
    """Only its owner: 0700 and 0600."""
    spool.keep("green", MESSAGE, "")
    spool.told("green", MESSAGE)
    assert stat.S_IMODE(spool.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(p.stat().st_mode) for p in spool.folder.iterdir()} == {0o600}


def test_it_is_bounded_and_says_what_had_to_go(spool: Spool) -> None:
    """The oldest of 201."""
    for n in range(module.MOST_WAITING):
        assert spool.keep("green", replace(MESSAGE, key=str(n)), "") == 0
        path = next(p for p in spool.folder.iterdir() if p.stat().st_mtime_ns > 10**18)
        os.utime(path, ns=(n, n))
    assert spool.keep("green", replace(MESSAGE, key="last"), "") == 1
    keys = [w.message.key for w in spool.waiting()]
    assert (len(keys), keys[0], keys[-1]) == (module.MOST_WAITING, "1", "last")


def test_what_was_told_is_open_until_it_is_over(spool: Spool) -> None:
    """By route and key."""
    spool.told("green", MESSAGE)
    assert spool.is_open("green", MESSAGE.key)
    assert not spool.is_open("board", MESSAGE.key)
    spool.told("green", OVER)
    assert not spool.is_open("green", MESSAGE.key)


def test_jobs_that_end_at_once_remember_all_that_was_told(spool: Spool) -> None:
    """Six of them, twenty matters each: none writes over what another one told."""

    def job(n: int) -> None:
        for i in range(20):
            Spool(spool.folder).told("green", replace(MESSAGE, key=f"{n}/{i}"))
            Spool(spool.folder).told("green", replace(ALERT, key=f"alert {n}/{i}"))
            Spool(spool.folder).remember_digest(f"{n}/{i}", "2026-W47")

    with ThreadPoolExecutor(6) as jobs:
        list(jobs.map(job, range(6)))
    names = [f"{n}/{i}" for n in range(6) for i in range(20)]
    assert all(spool.is_open("green", name) for name in names)
    assert len(spool.alerts()) == 120
    assert {spool.digest_told(name) for name in names} == {"2026-W47"}


def test_that_something_is_over_of_which_nobody_was_told_leaves_no_folder(spool: Spool) -> None:
    """A gate that passes writes nothing into anybody's home."""
    spool.told("green", OVER)
    assert not spool.folder.exists()


def test_files_that_cannot_be_read_are_left_alone(spool: Spool) -> None:
    """Half a file of another program hides no other."""
    spool.keep("green", MESSAGE, "")
    (spool.folder / "x.message.json").write_text('{"route": "green"')
    (spool.folder / "open.json").write_text("[]")
    assert [w.message for w in spool.waiting()] == [MESSAGE]
    assert not spool.is_open("green", MESSAGE.key)
    assert (spool.folder / "x.message.json").exists()


ALERT, ENDED = (replace(message, topics=(Topic.ALERT,)) for message in (MESSAGE, OVER))


def test_an_alert_is_kept_as_it_was_told_until_everybody_heard_that_it_is_over(spool: Spool) -> None:
    """Two routes were told; the first end leaves it open for the other one."""
    spool.told("green", ALERT)
    spool.told("board", ALERT)
    assert spool.alerts() == (ALERT,)
    spool.told("green", ENDED)
    assert spool.alerts() == (ALERT,)
    spool.told("board", ENDED)
    assert spool.alerts() == ()


def test_other_messages_are_no_alerts_and_a_broken_file_is_none(spool: Spool) -> None:
    """A gate's next decision updates it; alerts of another version are left out."""
    spool.told("green", MESSAGE)
    assert spool.alerts() == ()
    (spool.folder / "alerts.json").write_text('{"a": {"message": {"key": 1}}, "b": 2}')
    assert spool.alerts() == ()
    spool.told("green", ALERT)
    assert spool.alerts() == (ALERT,)
