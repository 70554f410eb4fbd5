"""Writes the dashboards that come with the package.

    python scripts/generate_dashboards.py

A test makes them anew and compares.
"""

from __future__ import annotations

from pathlib import Path

from wattmark.monitoring.dashboards.catalog import FOLDER, boards
from wattmark.monitoring.dashboards.grafana import dashboard_json

HERE = Path(__file__).resolve().parent.parent / "src" / "wattmark" / FOLDER


def main() -> None:
    """Write every file; ones that no dashboard stands behind any more go."""
    HERE.mkdir(exist_ok=True)
    made = {name: dashboard_json(board) for name, board in boards().items()}
    for stray in HERE.glob("*.json"):
        if stray.name not in made:
            stray.unlink()
    for name, text in made.items():
        (HERE / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
