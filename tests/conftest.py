"""What holds for every test: no example is timed, for machines are busy; benchmarks measure budgets.

Examples are the same at every run, so that no change is refused for what another one brought in. To look for
new ones: ``pytest -m hypothesis --hypothesis-profile=exploring``.
"""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.mlflow_server import mlflow_url

__all__ = ["mlflow_url"]

# How long it takes to make an example is timed by a health check, whatever the deadline is.
untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("untimed", untimed, derandomize=True)
settings.register_profile("exploring", untimed, max_examples=1000)
settings.load_profile("untimed")

DRIVE_OTHERS = (
    "e2e/test_agent_exports.py",
    "e2e/test_bench_power.py",
    "e2e/test_monitoring.py",
    "e2e/test_one_leaderboard.py",
    "e2e/test_prometheus_export.py",
    "e2e/test_serving_engines.py",
    "real_engines/test_benchmarks.py",
    "real_engines/test_request_engines.py",
    "real_engines/test_token_engines.py",
    "reports/test_browser.py",
    "reports/test_label.py",
    "reports/test_leaderboard_browser.py",
    "reports/test_portfolio_browser.py",
    "reports/test_sweep_reports.py",
    "server/test_ask_usage.py",
    "server/test_proxy_engine.py",
    "sources/test_prometheus_live.py",
)
"""Slow tests in these talk to an engine, a browser or a Prometheus, whose own timing is not ours."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Such a test that fails runs once more, and the summary names it; every other one has a single try."""
    here = Path(__file__).parent
    others = {here / name for name in DRIVE_OTHERS}
    for item in items:
        if item.path in others and item.get_closest_marker("slow") is not None:
            item.add_marker(pytest.mark.flaky(reruns=1))
