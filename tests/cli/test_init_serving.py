"""The file that ``wattmark init`` writes tells of serving, and what it tells can be uncommented."""

import re
from importlib.resources import files
from pathlib import Path

from wattmark.config import load_config
from wattmark.monitoring.settings import settings_of
from wattmark.stated.engines import engines
from wattmark.wiring.stated_tables import stated_tables

WRITTEN = (files("wattmark") / "data" / "config_default.toml").read_text(encoding="utf-8")


def test_what_it_says_of_agents_and_engines_is_understood(tmp_path: Path) -> None:
    """Each key is one that is read."""
    part = WRITTEN[WRITTEN.index("[agent]") : WRITTEN.index("[project]")]
    path = tmp_path / "wattmark.toml"
    path.write_text(re.sub(r"(?m)^# ", "", part))
    config = load_config(path)
    assert config.agent.listen == "127.0.0.1:9465"
    (engine,) = engines(stated_tables(config, "engine"), tmp_path)
    assert (engine.name, engine.model, engine.devices) == ("vllm-0", "chat", ("GPU-5d1e*",))
    assert settings_of(config.monitor, "wattmark.toml").budgets == {"chat": 50000, "*": 400000}
