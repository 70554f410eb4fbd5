"""The search for regressions beside an agent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("scipy")

from tests.fakes.http_server import Quiet, serving
from tests.monitoring.detection.rows import steady
from wattmark.agent.searching import LEARNT, TOKEN, regressions_of, searching_of
from wattmark.config import AgentConfig
from wattmark.core.errors import UsageError
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
    searching = searching_of(asked, folder, environ, settings=QUICK, fit=fitted)
    assert searching is not None
    for window in windows(plan):
        searching.put(window)
    searching.close()
    return searching


def test_a_release_that_got_worse_reaches_the_alertmanager(tmp_path: Path) -> None:
    """20 % more joules with release v2: told with the release, again and again while it lasts, and shown."""
    with alerted() as (url, came):
        searching = searched(AgentConfig(alerts=url), tmp_path, **{TOKEN: "secret"})
    assert searching.trouble == ""
    assert len(came) > 3
    token, (alert, *_) = came[0]
    assert token == "Bearer secret"
    assert alert["labels"]["alertname"] == "WattmarkRegressionFound"
    assert "release" in alert["annotations"]["changed"]
    assert alert["annotations"]["model_version"] == "v2"
    (found,) = [r for r in searching.now() if r.active]
    assert (found.model_version, found.metric) == ("v2", "joules_per_output_token")
    assert found.ratio == pytest.approx(1.2, abs=0.06)
    assert (tmp_path / LEARNT).exists()


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
    assert searching.trouble.startswith(f"alerts: {url}")
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
    assert searching_of(AgentConfig(regressions=False), tmp_path, {}) is None
    with pytest.raises(UsageError, match="http://"):
        searching_of(AgentConfig(alerts="alertmanager:9093"), tmp_path, {})


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
