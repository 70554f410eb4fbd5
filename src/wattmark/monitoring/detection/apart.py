"""Fits a baseline in a process of its own, which takes the memory of scipy with it when it ends.

``python -m wattmark.monitoring.detection.apart`` reads rows as JSON and writes the baseline, or null.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from wattmark.core.errors import MissingExtra, WattmarkError
from wattmark.monitoring.detection.baseline import Baseline
from wattmark.monitoring.detection.fit import fitted
from wattmark.monitoring.detection.row import Row, Terms
from wattmark.monitoring.detection.settings import Settings

MOST_SECONDS = 300.0
LACKING = 3
"""Exit code when scipy is not there."""


def fitted_apart(rows: Sequence[Row], metric: str, settings: Settings) -> Baseline | None:
    """What ``fitted`` gives. Raises MissingExtra without scipy, WattmarkError when the process fails."""
    asked = {"rows": [asdict(row) for row in rows], "metric": metric, "settings": asdict(settings)}
    try:
        made = subprocess.run(
            [sys.executable, "-m", __name__],
            input=json.dumps(asked).encode(),
            capture_output=True,
            timeout=MOST_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise WattmarkError(f"a baseline could not be fitted: {error}") from None
    if made.returncode == LACKING:
        raise MissingExtra("fitting a baseline", "detect")
    if made.returncode:
        last = made.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise WattmarkError(f"a baseline could not be fitted: {''.join(last) or made.returncode}")
    found = json.loads(made.stdout)
    return None if found is None else Baseline.from_dict(found)


def _row(told: dict[str, Any]) -> Row:
    terms = Terms(told["terms"]["rule"], tuple(told["terms"]["known"]))
    return Row(**{**told, "terms": terms, "devices": tuple(told["devices"])})


def main() -> int:
    """One fit, from standard input to standard output; gives the exit code."""
    asked = json.load(sys.stdin)
    try:
        made = fitted([_row(row) for row in asked["rows"]], asked["metric"], Settings(**asked["settings"]))
    except MissingExtra:
        return LACKING
    json.dump(None if made is None else made.as_dict(), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
