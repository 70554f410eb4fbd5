"""llama-server's log, as version 11549 and older ones wrote it."""

from pathlib import Path

import pytest

from tests.attribution.logs.reading import after_noon, read, written
from wattmark.core.errors import UsageError
from wattmark.core.serving.request import Request, Service

LOG = """\
0.00.015.730 I srv    load_model: initializing, n_slots = 4, n_ctx_slot = 2048, kv_unified = 'false'
0.12.000.000 I slot get_availabl: id  3 | task -1 | selected slot by LRU, t_last = -1
0.12.000.000 I slot launch_slot_: id  3 | task 0 | processing task, is_child = 0
0.12.500.000 I slot launch_slot_: id  2 | task 7 | processing task, is_child = 0
0.13.000.000 I slot print_timing: id  3 | task 0 | prompt eval time =     250.00 ms /    17 tokens (...)
0.13.000.000 I slot print_timing: id  3 | task 0 |        eval time =     750.00 ms /     8 tokens (...)
0.13.000.000 I slot print_timing: id  3 | task 0 |       total time =    1000.00 ms /    25 tokens
0.13.000.000 I slot      release: id  3 | task 0 | stop processing: n_tokens = 24, truncated = 0
0.13.250.000 I slot      release: id  2 | task 7 | stop processing: n_tokens = 9, truncated = 0
1.00.000.001 I slot launch_slot_: id  3 | task 9 | processing task, is_child = 0
1.01.000.000 I slot print_timing: id  3 | task 9 | prompt eval time =       0.25 ms /     1 tokens (...)
1.01.000.000 I slot print_timing: id  3 | task 9 |        eval time =       0.33 ms /     8 tokens (...)
1.01.000.000 I slot      release: id  3 | task 9 | stop processing: n_tokens = 24, truncated = 0
1.02.000.000 I slot launch_slot_: id  3 | task 10 | processing task, is_child = 0
"""
OLD = """\
slot launch_slot_: id  0 | task 0 | processing task
slot print_timing: id  0 | task 0 |
prompt eval time =     250.00 ms /    17 tokens (...)
       eval time =     750.00 ms /     8 tokens (...)
      total time =    1000.00 ms /    25 tokens
slot      release: id  0 | task 0 | stop processing: n_past = 24, truncated = 0
"""


def test_tasks_are_requests_from_their_slot_to_its_release(tmp_path: Path) -> None:
    """The server began at noon. Task 7 was cut off, task 9 found 16 tokens in the cache, task 10 goes on."""
    path = written(tmp_path / "log", LOG.splitlines())
    found, log = read(path, began="2026-11-01T12:00:00Z", model="tiny")
    assert (log.format, log.tally.ignored) == ("llama.cpp", 1)
    start, first, end = after_noon(12, 12.25, 13)
    assert found[0] == Request(
        request_id="task-0",
        service=Service(model="tiny"),
        start_us=start,
        first_token_us=first,
        end_us=end,
        input_tokens=17,
        output_tokens=8,
    )
    assert (found[1].failed, found[1].end_us, found[1].output_tokens) == (True, *after_noon(13.25), None)
    assert found[2].start_us == after_noon(60.000001)[0]
    assert (found[2].input_tokens, found[2].cached_input_tokens) == (17, 16)


def test_stamps_that_count_from_the_start_need_it(tmp_path: Path) -> None:
    """And it needs a zone."""
    path = written(tmp_path / "log", LOG.splitlines())
    with pytest.raises(UsageError, match="count from the start of the server: say when that was"):
        read(path)
    with pytest.raises(UsageError, match="began: is a local time without its zone"):
        read(path, began="2026-11-01T12:00:00")


def test_the_time_of_day_of_whoever_collects_the_log_is_taken(tmp_path: Path) -> None:
    """As docker logs --timestamps writes it, around an older server that has no stamps of its own."""
    stamps = ["12:00:00.000000000"] + ["12:00:01.000000000"] * 5
    lines = [f"2026-11-01T{at}Z {line}" for at, line in zip(stamps, OLD.splitlines(), strict=True)]
    found, _ = read(written(tmp_path / "log", lines))
    assert [(r.start_us, r.first_token_us, r.end_us) for r in found] == [after_noon(0, 0.25, 1)]
    assert (found[0].input_tokens, found[0].output_tokens) == (17, 8)


def test_lines_without_times_are_refused(tmp_path: Path) -> None:
    """Rather than read as no requests at all."""
    with pytest.raises(UsageError, match="log:1: its lines have no times: start llama-server with"):
        read(written(tmp_path / "log", OLD.splitlines()))
