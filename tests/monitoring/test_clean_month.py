"""Four simulated weeks through the rule engine of Prometheus: no false alarm, then one regression is seen."""

from __future__ import annotations

import math
import random
import shutil
import subprocess
from itertools import accumulate
from pathlib import Path

import pytest

from wattmark.monitoring import names
from wattmark.monitoring.rule import document, duration
from wattmark.monitoring.rules import all_groups
from wattmark.monitoring.ruletests import NODE, named
from wattmark.monitoring.settings import RuleSettings
from wattmark.monitoring.yaml import dump

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool here"),
]
STEP = 300
"""Seconds between evaluations: five minutes instead of one keep this test short."""
DAY = 86400 // STEP
WEEKS = 28 * DAY
AFTER = 24
"""Steps of the regression: two hours."""
SETTINGS = RuleSettings(interval=STEP, window=900)
RISE = 1.1
GROUPS = ("wattmark-figures", "wattmark-baselines", "wattmark-regressions")
"""The others have no part in this alert's condition."""
REGRESSED = "WattmarkEnergyPerTokenRegressed"


def load_of(step: int, weekly: bool) -> float:
    """Requests a step: by night a third of those at noon, at weekends half."""
    if not weekly:
        return 600.0
    hour = step % DAY / DAY * 24
    day = step // DAY % 7
    return 600.0 * (0.66 + 0.34 * math.sin((hour - 6) / 24 * 2 * math.pi)) * (0.5 if day >= 5 else 1.0)


def model(name: str, seed: int, *, weekly: bool) -> dict[str, str]:
    """Counters of a model whose energy per token wanders by 2 %, and rises where load falls."""
    chance = random.Random(seed)
    wander, joules, requests = 0.0, [], []
    for step in range(WEEKS + AFTER):
        wander = 0.9 * wander + chance.gauss(0, 0.02 * math.sqrt(1 - 0.9**2))
        load = load_of(step, weekly) * (1 + chance.gauss(0, 0.05))
        each = 100.0 * (1 + wander) * (1 + 0.3 * (1 - load_of(step, weekly) / 600.0))
        joules.append(load * each * (RISE if step >= WEEKS else 1.0))
        requests.append(load)
    who = {"model": name, "model_version": "v1"}
    known = {"attribution_rule": "request_tokens", "boundary": "device", "grade": "B"}
    return {
        named(names.INFERENCE_ENERGY, **who, **known, outcome="success"): counted(joules),
        named(names.REQUESTS, **who, outcome="success"): counted(requests),
        named(names.OUTPUT_TOKENS, **who): counted([100 * r for r in requests]),
    }


def counted(amounts: list[float]) -> str:
    return " ".join(f"{total:.6g}" if total < 1e5 else f"{total:.0f}" for total in accumulate(amounts))


def fired(name: str, first: int, last: int) -> dict[str, object]:
    """How many evaluations of a stretch found the alert firing."""
    where = f'alertname="{REGRESSED}",alertstate="firing",model="{name}"'
    return {"expr": f"count_over_time(ALERTS{{{where}}}[{duration((last - first) * STEP)}]) > 0"}


def test_a_clean_month_tells_nothing_and_then_a_regression_is_told(tmp_path: Path) -> None:
    """Steady or with days and weekends: no alert in 8,064 evaluations; then 10 % in the steady model fires.

    In the model of varying load 10 % lie within its spread: that is the price which the docs name.
    """
    series = {**model("steady", 1, weekly=False), **model("weekly", 2, weekly=True)}
    series[named(names.AGENT_INFO, version="1", instance=NODE)] = f"1x{WEEKS + AFTER}"
    end = WEEKS + AFTER - 1
    told = f'ALERTS{{alertname="{REGRESSED}",alertstate="firing"}}'
    tests = [
        {**fired(name, 0, WEEKS - 1), "eval_time": duration((WEEKS - 1) * STEP)}
        for name in ("steady", "weekly")
    ]
    made = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": duration(STEP),
        "tests": [
            {
                "interval": duration(STEP),
                "input_series": [{"series": s, "values": v} for s, v in series.items()],
                "promql_expr_test": [
                    *tests,
                    {
                        "expr": f"count by (model) (count_over_time({told}[{duration(AFTER * STEP)}]) > 0)",
                        "eval_time": duration(end * STEP),
                        "exp_samples": [{"labels": '{model="steady"}', "value": 1}],
                    },
                ],
            }
        ],
    }
    groups = [group for group in all_groups(SETTINGS) if group.name in GROUPS]
    (tmp_path / "rules.yml").write_text(dump(document(groups)))
    (tmp_path / "month.yml").write_text(dump(made))
    done = subprocess.run(
        ["promtool", "test", "rules", "month.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
