"""The search for regressions beside an agent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

pytest.importorskip("scipy")

from tests.fakes.http_server import Quiet, serving
from tests.monitoring.detection.rows import steady
from wattmark.agent.searching import LEARNT, Alerting, regressions_of, searching_of
from wattmark.agent.telling import TOKEN, Telling, telling_of, watched_by
from wattmark.config import AgentConfig, Config
from wattmark.core.errors import UsageError
from wattmark.core.governance.message import Message
from wattmark.core.serving.window import ServingWindow
from wattmark.monitoring.detection.apart import fitted_apart
from wattmark.monitoring.detection.finding import State
from wattmark.monitoring.detection.fit import fitted
from wattmark.monitoring.detection.row import Key
from wattmark.monitoring.detection.settings import Settings
from wattmark.testing.serving.plan import Change, Kind, Plan
from wattmark.testing.serving.windows import windows

QUICK = Settings(learn_seconds=3 * 3600.0)
WORSE = Plan(minutes=420, seed=2, changes=(Change(at=390, kind=Kind.ENERGY, factor=1.2, version="v2"),))


@contextmanager
def alerted() -> Iterator[tuple[str, list[tuple[str | None, Any]]]]:
    """An address that takes alerts, and what came: the token and the body."""
    came: list[tuple[str | None, Any]] = []

    class Handler(Quiet):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            came.append((self.headers.get("Authorization"), json.loads(body)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with serving(Handler) as url:
        yield url, came


def searched(asked: AgentConfig, folder: Path, plan: Plan = WORSE, **environ: str) -> Any:
    config = Config(agent=asked)
    telling = telling_of(config, folder, environ, lambda _: None)
    assert telling is not None
    told = telling, watched_by(config, "9f86d081884c7d65")
    searching = searching_of(asked, folder, lambda: told, settings=QUICK, fit=fitted)
    assert searching is not None
    for window in windows(plan):
        searching.put(window)
    searching.close()
    return searching


def test_a_release_that_got_worse_reaches_the_alertmanager(tmp_path: Path) -> None:
    """20 % more joules with release v2: told with the release, and shown."""
    with alerted() as (url, came):
        searching = searched(AgentConfig(alerts=url), tmp_path, **{TOKEN: "secret"})
    assert searching.trouble == ""
    token, alerts = came[0]
    assert token == "Bearer secret"
    (alert,) = [a for a in alerts if a["labels"]["severity"] == "warning"]
    assert alert["labels"]["alertname"] == "WattmarkRegressionFound"
    assert "release" in alert["annotations"]["changed"]
    assert alert["annotations"]["model_version"] == "v2"
    (found,) = [r for r in searching.now() if r.active]
    assert (found.model_version, found.metric) == ("v2", "joules_per_output_token")
    assert found.ratio == pytest.approx(1.2, abs=0.06)
    assert (tmp_path / LEARNT).exists()


class Recorder:
    """Takes what is to be told, look by look."""

    trouble = ""

    def __init__(self, *before: Message) -> None:
        self.before, self.looks = before, list[list[Message]]()

    def told(self) -> tuple[Message, ...]:
        return self.before

    def put(self, messages: Iterable[Message]) -> None:
        self.looks.append(list(messages))

    def close(self) -> None:
        """Nothing waits."""


WATCHED = watched_by(Config(), "9f86d081884c7d65")
ENDED = Plan(
    minutes=460, seed=2,
    changes=(
        Change(at=300, kind=Kind.ENERGY, factor=1.2, version="v2"),
        Change(at=390, kind=Kind.ENERGY, factor=1 / 1.2, version="v3"),
    ),
)  # fmt: skip


def looked(found: Iterable[ServingWindow], *before: Message) -> Recorder:
    """An agent that looks at these windows, and what it hands over."""
    recorder = Recorder(*before)
    alerting = Alerting(QUICK, fitted, cast(Telling, recorder), WATCHED)
    for window in found:
        alerting.look(window)
    return recorder


def test_what_lasts_is_handed_over_at_every_look_and_once_that_it_is_over() -> None:
    """Ninety minutes of 20 % more; with the release that mended it the matter is over, and why is said."""
    looks = looked(windows(ENDED)).looks
    assert len(looks) > 60
    assert {message.key for look in looks for message in look} == {looks[0][0].key}
    assert all(not message.resolved for look in looks[:-1] for message in look)
    (last,) = looks[-1]
    assert (last.resolved, last.title, last.labels) == (True, looks[0][0].title, looks[0][0].labels)
    assert "is over" in last.notes[0]
    assert "release: 1.0 before, v2 after" in looks[0][0].notes


def test_what_an_agent_before_told_goes_on_until_it_can_be_said_that_it_does_not() -> None:
    """Told before a restart; three hours are learnt, then it is judged, and is not worse: it is over."""
    (told, *_), *_ = looked(windows(replace(ENDED, minutes=330))).looks
    looks = looked(windows(replace(ENDED, minutes=300, changes=())), told).looks
    assert looks[0] == [told]
    assert len(looks) > 60
    (over,) = looks[-1]
    assert (over.key, over.resolved) == (told.key, True)
    assert over.notes[0] == "It was not found again after the agent's restart"


def test_what_was_told_before_of_a_model_that_is_gone_is_not_told_for_ever() -> None:
    """A day without a judgement: that nothing is known is what is said, not that all is well."""
    (told, *_), *_ = looked(windows(replace(ENDED, minutes=330))).looks
    empty = [
        replace(
            window, devices=(), shares=(), works=(), start_us=window.start_us + n, end_us=window.end_us + n
        )
        for hours in (0, 23, 25)
        for n in [hours * 3_600_000_000]
        for window in list(windows(Plan(minutes=1)))
    ]
    looks = looked(empty, told).looks
    assert [message.resolved for look in looks for message in look] == [False, False, True]
    assert "is not known" in looks[-1][0].notes[0]


def test_a_reading_that_stands_still_is_a_matter_of_its_own_and_ends() -> None:
    """Told as such while it lasts; over when the reading moves again."""
    plan = Plan(minutes=40, seed=2, changes=(Change(at=20, kind=Kind.STUCK, device="gpu-0", minutes=10),))
    looks = looked(windows(plan)).looks
    first, last = looks[0][0], looks[-1][-1]
    assert 5 <= len(looks) <= 12
    assert first.alert == "WattmarkReadingStuck"
    assert "stands still while its load does not" in first.title
    assert (last.key, last.resolved) == (first.key, True)


def test_any_other_address_is_told_once(tmp_path: Path) -> None:
    """As JSON, when it begins; who keeps no state needs no repetition."""
    with alerted() as (url, came):
        searched(AgentConfig(alerts=url, alerts_form="json"), tmp_path)
    assert [a["status"] for _, body in came for a in body["alerts"]].count("firing") == 1


def test_an_address_that_does_not_answer_is_trouble_and_nothing_else(tmp_path: Path) -> None:
    """The search goes on; the reason is shown, without the token."""
    with alerted() as (url, _):
        pass
    searching = searched(AgentConfig(alerts=url, alerts_form="json"), tmp_path, **{TOKEN: "secret"})
    assert searching.trouble.startswith(f"alerts: [agent] alerts: {url}")
    assert "secret" not in searching.trouble
    assert [r.active for r in searching.now()] == [True]


def test_a_clean_stretch_alerts_nobody(tmp_path: Path) -> None:
    """Seven hours without a change: shown as good."""
    with alerted() as (url, came):
        searching = searched(AgentConfig(alerts=url), tmp_path, replace(WORSE, changes=()))
    assert came == []
    assert [r.active for r in searching.now()] == [False]


def test_who_does_not_want_it_has_none(tmp_path: Path) -> None:
    """False switches it off; an address that is none is refused at the start."""
    assert searching_of(AgentConfig(regressions=False), tmp_path) is None
    with pytest.raises(UsageError, match="http://"):
        telling_of(Config(agent=AgentConfig(alerts="alertmanager:9093")), tmp_path, {}, lambda _: None)


def test_one_line_for_each_model_release_and_figure() -> None:
    """Of two targets the worse one; tenants and models that are still learnt are left out."""

    def state(target: str, status: str, ratio: float | None, tenant: str = "") -> State:
        return State(
            key=Key("chat", target, tenant),
            metric="joules_per_request",
            status=status,
            version="1",
            ratio=ratio,
        )

    found = regressions_of(
        [
            state("a", "good", 1.0),
            state("b", "regression", 1.3),
            state("c", "good", None),
            state("d", "learning", 2.0),
            state("e", "regression", 3.0, tenant="acme"),
        ]
    )
    assert [(r.model, r.active, r.ratio) for r in found] == [("chat", True, 1.3)]


@pytest.mark.slow
def test_a_fit_apart_is_the_same_fit() -> None:
    """Another process gives the same baseline; too few rows give none there too."""
    rows = steady(400)
    assert fitted_apart(rows, "joules_per_output_token", QUICK) == fitted(
        rows, "joules_per_output_token", QUICK
    )
    assert fitted_apart(rows[:5], "joules_per_output_token", QUICK) is None
