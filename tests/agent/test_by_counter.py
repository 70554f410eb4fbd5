"""An engine that is told by its counters, by its requests, or by both: each request counts once."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from wattmark.agent.book import Book, BookSettings
from wattmark.agent.entries import Entry, Looked, Ticked, Told
from wattmark.agent.placing import Expected
from wattmark.agent.timeline import Timeline
from wattmark.core.figure import Figure, Missing
from wattmark.core.known import Grade, Method
from wattmark.core.readings import Device
from wattmark.core.serving.engine import Counted, EngineReading, Load
from wattmark.core.serving.line import Started
from wattmark.core.serving.live import live_of
from wattmark.core.serving.request import Request, Rule, Service
from wattmark.core.serving.window import ServingWindow
from wattmark.core.units import Power

T0 = 29_833_334 * 60 * 1_000_000
SECOND = 1_000_000
GPU = Device(
    id="gpu:0",
    component="gpu",
    source="nvml",
    method=Method.HARDWARE_COUNTER,
    grade=Grade.B,
    max_power=Power(700.0),
    relative_error=0.05,
)
NO = Missing("x", "y")


def a_book(engine: Expected, done_us: int = T0) -> Book:
    """A node with one GPU and one engine."""
    settings = BookSettings(host_id="node", boot="boot", engines=(engine,))
    return Book([GPU], settings, Timeline(T0), done_us)


def a_node(
    seconds: int,
    active: Iterable[tuple[int, int]],
    *,
    model: str = "m",
    told_as: Service | None = None,
    counts_requests: bool = True,
    every: int = 5,
    after: int = 0,
) -> list[Entry]:
    """Each second 100 J, and 300 J while a request is active; 10 tokens a second; a look every 5 seconds."""
    entries: list[Entry] = []
    joules = tokens = ended = 0
    stretches = list(active)
    for s in range(seconds):
        runs = any(start <= s < end for start, end in stretches)
        joules += 300 if runs else 100
        tokens += 10 if runs else 0
        ended += sum(1 for _, end in stretches if end == s)
        at_us = T0 + s * SECOND
        entries.append(Ticked(float(s), at_us, [float(joules)], [float(s)], {}))
        if s % every == after:
            counted = Counted(
                requests=float(ended) if counts_requests else None,
                failed=0.0 if counts_requests else None,
                input_tokens=float(tokens),
                output_tokens=float(tokens),
            )
            entries.append(
                Looked(
                    EngineReading(
                        target="e",
                        engine="vllm",
                        at_us=at_us,
                        counted={model: counted},
                        load={model: Load(running=float(runs))},
                    )
                )
            )
        if told_as is not None:
            entries += [
                Told(
                    [
                        Request(
                            request_id=f"r{start}",
                            service=told_as,
                            start_us=T0 + start * SECOND,
                            end_us=at_us,
                            input_tokens=10 * (end - start),
                            output_tokens=10 * (end - start),
                        )
                    ],
                    [],
                )
                for start, end in stretches
                if end == s
            ]
    return entries


def windows_of(book: Book, entries: Iterable[Entry]) -> list[ServingWindow]:
    """What comes out, asked for after each look at the meters as an agent does."""
    found: list[ServingWindow] = []
    for entry in entries:
        if isinstance(entry, Ticked):
            found += book.due().windows
        batch = book.take(entry)
        found += batch.windows if batch is not None else ()
    return [*found, *book.due().windows]


def counted(windows: Iterable[ServingWindow]) -> tuple[float | None, float | None]:
    """Requests and output tokens of all."""
    works = [work for window in windows for work in window.works]
    return sum(w.requests for w in works), sum(w.output_tokens or 0.0 for w in works)


@pytest.mark.parametrize("length", [4, 30, 150])
@pytest.mark.parametrize("quiet", [20, 1200])
@pytest.mark.parametrize("name", ["m", ""])
def test_a_request_that_is_told_at_its_end_is_not_counted_before(length: int, quiet: int, name: str) -> None:
    """However long it ran, and however long nobody told anything: 1 request with 10 tokens a second."""
    entries = a_node(quiet + length + 180, [(quiet, quiet + length)], model=name, told_as=Service(model="m"))
    windows = windows_of(a_book(Expected(target="e")), entries)
    assert counted(windows) == (1.0, 10.0 * length)


def test_requests_that_nobody_tells_are_counted_by_the_engine() -> None:
    """Two requests of 30 s with 300 tokens each, and not a joule is lost on the way."""
    windows = windows_of(a_book(Expected(target="e")), a_node(300, [(20, 50), (100, 130)]))
    assert counted(windows) == (2.0, 600.0)
    assert sum(d.energy_joules for w in windows for d in w.devices) == pytest.approx(
        100.0 * 240 + 200.0 * 60, abs=301.0
    )


@pytest.mark.parametrize(("every", "after"), [(5, 0), (5, 4), (7, 3), (30, 17), (45, 44)])
def test_a_minute_waits_for_the_look_that_reaches_over_its_end(every: int, after: int) -> None:
    """Busy from the second to the fourth minute: none of the third is idle, whenever looks come."""
    settings = BookSettings(
        host_id="node", boot="boot", look_seconds=float(every), engines=(Expected(target="e"),)
    )
    book = Book([GPU], settings, Timeline(T0), T0)
    windows = windows_of(book, a_node(6 * 60, [(s, s + 1) for s in range(60, 240)], every=every, after=after))
    (use,) = windows[2].devices
    assert (use.energy_joules, use.idle_joules) == (18_000.0, 0.0)


def test_an_engine_that_answers_no_more_holds_no_minute_for_long() -> None:
    """After three periods without a look the minutes go on."""
    entries = [e for e in a_node(300, []) if not isinstance(e, Looked) or e.reading.at_us < T0 + 100 * SECOND]
    assert len(windows_of(a_book(Expected(target="e")), entries)) == 4


def test_an_engine_that_counts_no_requests_stands_in_once_nothing_runs() -> None:
    """llama.cpp counts tokens only."""
    entries = a_node(200, [(20, 50)], counts_requests=False)
    windows = windows_of(a_book(Expected(target="e", model="m")), entries)
    assert counted(windows)[1] == 300.0


def test_a_model_is_called_as_its_settings_call_it() -> None:
    """The engine names a path, the requests an alias that the settings state: one model, on its devices."""
    entries = a_node(200, [(20, 50)], model="/models/m.gguf", told_as=Service(model="alias"))
    told = windows_of(a_book(Expected(target="e", model="alias", reserved=1.0)), entries)
    assert counted(told) == (1.0, 300.0)
    untold = windows_of(
        a_book(Expected(target="e", model="alias", reserved=1.0)),
        a_node(200, [(20, 50)], model="/models/m.gguf"),
    )
    assert {s.model for w in untold for s in w.services} == {"alias"}
    assert sum(d.unallocated_joules for w in untold for d in w.devices) == 0.0


def test_requests_under_a_name_that_no_engine_gives_are_warned_of() -> None:
    """They may be the same requests: readers are told what to state."""
    entries = a_node(200, [(20, 50)], told_as=Service(model="alias"))
    notes = {n for w in windows_of(a_book(Expected(target="e")), entries) for n in w.notes}
    assert any("requests to alias are told without a target" in note for note in notes)


def test_idle_minutes_have_the_rule_of_the_work_around_them() -> None:
    """Six minutes, requests in two of them: 6 x 6,000 J and 2 x 12,000 J more for 2 requests."""
    entries = a_node(6 * 60 + 30, [(60, 120), (180, 240)])
    windows = windows_of(a_book(Expected(target="e", model="m")), entries)[:6]
    assert {w.rule for w in windows} == {Rule.ENGINE}
    (model,) = live_of(windows, host_id="node", at_us=0, pue=NO, intensity=NO).models
    per_request = model.joules_per_request.service
    assert isinstance(per_request, Figure)
    assert per_request.value == pytest.approx(60_000.0 / 2, rel=0.01)


def test_an_agent_that_goes_on_from_a_journal_counts_no_look_twice() -> None:
    """What was in windows of the spool is not in the ones that are made anew."""
    entries = a_node(400, [(20, 50), (100, 130), (200, 290)])
    whole = windows_of(a_book(Expected(target="e")), entries)
    first = a_book(Expected(target="e"))
    head = first.head()
    killed = next(i for i, e in enumerate(entries) if isinstance(e, Ticked) and e.at == 260.0)
    out = windows_of(first, entries[:killed])
    again = a_book(Expected(target="e"), out[-1].end_us)
    again.resume(head)
    for entry in entries[:killed]:
        again.take(entry)
    later = windows_of(again, entries[killed:])
    assert counted([*out, *later]) == counted(whole) == (3.0, 1500.0)


def test_how_a_node_was_known_outlives_the_agent() -> None:
    """What was told, and how, is in the head of the journal."""
    book = a_book(Expected(target="e"))
    windows_of(book, a_node(200, [(20, 50)], told_as=Service(model="m", target="e")))
    after = a_book(Expected(target="e"))
    after.resume(book.head())
    assert (after.head().heard, after.head().rule) == (book.head().heard, "request_tokens")


def test_names_that_somebody_makes_up_do_not_pile_up() -> None:
    """30,000 models in a minute: a bounded number is remembered, the last ones."""
    book = a_book(Expected(target="e"))
    for number in range(30_000):
        at_us = T0 + number
        service = Service(model=f"m{number}", target="e")
        book.told(Told([Request(service=service, start_us=at_us, end_us=at_us)], []))
        book.now_us = at_us
    heard = book.head().heard
    assert len(heard) <= 20_002
    assert ("model", "m29999", T0 + 29_999) in heard


def test_requests_that_are_told_before_the_first_reading_count() -> None:
    """One is over before the agent reads anything, one still runs: 2 requests with 10 tokens a second."""
    book = a_book(Expected(target="e"))
    book.fresh = True
    service = Service(model="m", target="e")
    early = Request(request_id="a", service=service, start_us=T0 - 5, end_us=T0, output_tokens=50)
    book.told(Told([early], [Started(request_id="r5", service=service, start_us=T0)]))
    windows = windows_of(book, a_node(150, [(5, 20)], told_as=service))
    assert counted(windows) == (2.0, 200.0)
