"""What holds for every test: no example is timed, for machines are busy; benchmarks measure budgets.

Examples are the same at every run, so that no change is refused for what another one brought in. To look for
new ones: ``pytest -m hypothesis --hypothesis-profile=exploring``.
"""

import pytest
from hypothesis import HealthCheck, settings

from tests.mlflow_server import mlflow_url

__all__ = ["mlflow_url"]

# How long it takes to make an example is timed by a health check, whatever the deadline is.
untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("untimed", untimed, derandomize=True)
settings.register_profile("exploring", untimed, max_examples=1000)
settings.load_profile("untimed")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show why each test failed that was run again: whatever came of it, that is a defect to mend."""
    for report in terminalreporter.getreports("rerun"):
        terminalreporter.section(f"FIRST TRY OF {report.nodeid}", "_")
        terminalreporter.line(report.longreprtext)
