"""What changed, and how much of the change the load explains."""

from __future__ import annotations

import pytest

pytest.importorskip("scipy")

from tests.monitoring.detection.rows import a_row, steady
from wattmark.monitoring.detection.baseline import Baseline
from wattmark.monitoring.detection.causes import causes
from wattmark.monitoring.detection.features import PER_TOKEN, covariates, figure
from wattmark.monitoring.detection.fit import fitted
from wattmark.monitoring.detection.row import Row
from wattmark.monitoring.detection.settings import Settings


def a_baseline() -> Baseline:
    """Of four hours and ten minutes."""
    found = fitted(steady(250), PER_TOKEN, Settings())
    assert found is not None
    return found


def doubled(row: Row, factor: float) -> Row:
    """Twice the requests, each as before, and ``factor`` times the joules."""
    return row.__class__(
        **{
            **{name: getattr(row, name) for name in row.__dataclass_fields__},
            "requests": row.requests * 2,
            "input_tokens": 2 * (row.input_tokens or 0.0),
            "output_tokens": 2 * (row.output_tokens or 0.0),
            "joules": row.joules * factor,
        }
    )


def test_the_parts_add_up_to_the_change_of_the_figure() -> None:
    """Load in joules and the rest together are after minus before."""
    before, after = [a_row(i) for i in range(5)], [doubled(a_row(i), 1.9) for i in range(5, 10)]
    found, rest = causes(before, after, a_baseline())
    assert rest is not None
    change = (figure(after[0], PER_TOKEN) or 0.0) - (figure(before[0], PER_TOKEN) or 0.0)
    assert sum(c.joules or 0.0 for c in found) + rest == pytest.approx(change, abs=1e-3)


def test_release_devices_batch_and_failures_are_named_without_a_share() -> None:
    """They came together: what each of them did cannot be known."""
    before = [a_row(i) for i in range(5)]
    after = [a_row(5, version="2", devices=("gpu-1",), request_seconds=300.0, failed=50.0)]
    found, rest = causes(before, after, a_baseline())
    named = {c.what: (c.before, c.after) for c in found if c.joules is None}
    assert named["release"] == ("1.0", "2")
    assert named["hardware"] == ("gpu-0", "gpu-1")
    assert named["batch"] == (10.0, 5.0)
    assert named["failed_share"] == (0.0, 0.5)
    assert rest is not None


def test_without_anything_before_nothing_is_said() -> None:
    """No hour before, no comparison."""
    assert causes([], [a_row()], a_baseline()) == ((), None)


def test_a_baseline_comes_back_from_json_as_it_was() -> None:
    """Every field, and what it expects."""
    import json

    baseline = a_baseline()
    again = Baseline.from_dict(json.loads(json.dumps(baseline.as_dict())))
    assert again == baseline
    assert again.expected(a_row()) == baseline.expected(a_row())


def test_a_baseline_knows_its_load_and_its_noise() -> None:
    """0.5 J per token; 1 % noise; a load of ten times is beyond it."""
    baseline = a_baseline()
    assert 2.718281828 ** baseline.expected(a_row()) == pytest.approx(0.5, rel=0.01)
    assert baseline.deviation(a_row()) == pytest.approx(0.01, rel=0.3)
    assert baseline.outside(a_row()) == ()
    assert baseline.outside(a_row(requests=1000.0))[0] == "requests_per_second"


def test_too_few_rows_make_no_baseline() -> None:
    """250 are the least."""
    assert fitted(steady(249), PER_TOKEN, Settings()) is None


def test_unknown_tokens_count_as_none_at_all() -> None:
    """A model without tokens is judged by its requests."""
    assert covariates(a_row(input_tokens=None, output_tokens=None))[1:3] == (0.0, 0.0)
