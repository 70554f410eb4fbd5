"""A release that takes more energy is told to a chat, by mail and to a real Alertmanager; so is its end."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

pytest.importorskip("scipy")
pytest.importorskip("aiosmtpd")

from tests.exporters.sinks.test_alertmanager import alertmanager, until
from tests.exporters.sinks.test_email import Box
from tests.exporters.sinks.test_email import server as mail_server
from tests.webapi.api_server import Reply, api_server, in_turn
from wattmark.agent.searching import searching_of
from wattmark.agent.telling import telling_of, watched_by
from wattmark.config import Config, load_config
from wattmark.core.serving.window import ServingWindow
from wattmark.exporters.sinks.sink import World
from wattmark.monitoring.detection.fit import fitted
from wattmark.monitoring.detection.settings import Settings
from wattmark.testing.serving.plan import Change, Kind, Plan
from wattmark.testing.serving.windows import windows
from wattmark.webapi.api import Patience

pytestmark = pytest.mark.slow
NODE = "9f86d081884c7d65"
WORSE, MENDED = 300, 390
PLAN = Plan(
    minutes=480,
    seed=2,
    changes=(
        Change(at=WORSE, kind=Kind.ENERGY, factor=1.2, version="v2"),
        Change(at=MENDED, kind=Kind.ENERGY, factor=1 / 1.2, version="v3"),
    ),
)
SETTINGS = """
[tags]
team = "language"

[[notify]]
name = "chat"
to = "slack"
url_env = "SLACK"
on = ["alert"]
teams = ["language"]

[[notify]]
name = "leads"
to = "email"
server_env = "MAIL"
recipients = ["leads@example.org"]

[[notify]]
name = "others"
to = "slack"
url_env = "NOT_THERE"
teams = ["vision"]

[agent]
alerts = "ALERTMANAGER"
"""


def lived(config: Config, state: Path, environ: dict[str, str], seen: Iterable[ServingWindow]) -> None:
    """One agent from its start to its end, with what it keeps in its state folder."""
    state.mkdir(exist_ok=True)
    # A machine that is slow for seconds is no reason to tell it once more.
    world = World(secret=environ.get, patience=Patience(timeout=250.0))
    telling = telling_of(config, state, environ, lambda _: None, world=world)
    assert telling is not None
    told = telling, watched_by(config, NODE)
    quick = Settings(learn_seconds=3 * 3600.0)
    searching = searching_of(config.agent, state, lambda: told, settings=quick, fit=fitted)
    assert searching is not None
    for window in seen:
        searching.put(window)
    searching.close()
    telling.close(250)
    assert searching.trouble == ""


def test_a_worse_release_and_its_end_reach_everybody_once_over_a_restart(tmp_path: Path) -> None:
    """20 % more with v2; the agent is started anew while it lasts; with v3 it is as it was."""
    found, box = list(windows(PLAN)), Box()
    with (
        alertmanager(tmp_path) as manager,
        mail_server(box) as port,
        api_server(in_turn(Reply(200, b"ok"))) as slack,
    ):
        file = tmp_path / "wattmark.toml"
        file.write_text(SETTINGS.replace("ALERTMANAGER", manager))
        config = load_config(file)
        environ = {"SLACK": f"{slack.url}/in", "MAIL": f"smtp+plain://127.0.0.1:{port}"}
        lived(config, tmp_path / "state", environ, found[: MENDED - 30])
        (alert,) = until(manager, 1)
        assert alert["labels"]["alertname"] == "WattmarkRegressionFound"
        assert (alert["labels"]["team"], alert["labels"]["node"]) == ("language", NODE[:12])
        assert "release: 1.0 before, v2 after" in alert["annotations"]["changed"]
        title = "chat-8b engine-0 costs more than it did under the same load"
        assert [asked.json()["text"] for asked in slack.asked] == [f"🟠 {title}"]
        assert [mail["Subject"] for mail in box.mails] == [title]

        lived(config, tmp_path / "state", environ, found[MENDED - 30 :])
        assert until(manager, 0) == []
        assert [asked.json()["text"] for asked in slack.asked] == [f"🟠 {title}", f"✅ Over: {title}"]
        assert [mail["Subject"] for mail in box.mails] == [title, f"Over: {title}"]
