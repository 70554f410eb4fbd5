"""Data Efficiency Score: quality for each terabyte of data that had to be learnt from."""

from __future__ import annotations

from wattmark.core.facts import Answer, Facts
from wattmark.core.figure import Figure, Missing, Undefined, exact
from wattmark.core.kpis.kpi import Better, Kpi
from wattmark.core.kpis.model_efficiency_ratio import quality_in_range
from wattmark.core.units import BYTES_PER_TB

_HINT = "wattmark.dataset(path) counts them, or `wattmark dataset PATH`"


def data_efficiency_score(facts: Facts) -> Answer:
    """Quality over unique uncompressed training bytes, in 1/TB (1 TB = 10^12 bytes).

    Means something only beside a baseline of the same task, so the task is asked for and stands in
    the terms. Source: kpis.md.
    """
    quality = quality_in_range(facts)
    if not isinstance(quality, Figure):
        return quality
    datasets = facts.training_data or ((facts.dataset,) if facts.dataset is not None else ())
    sizes = [dataset.unique_bytes for dataset in datasets if dataset.unique_bytes is not None]
    if not sizes or len(sizes) < len(datasets):
        return Missing("unique bytes of the dataset", _HINT)
    unique = sum(sizes)
    if unique <= 0:
        return Undefined("the dataset holds no bytes: nothing to divide by")
    if facts.task is None:
        return Missing("task", "name it with --task: this score compares models of one task only")
    figure = quality.over(exact(unique / BYTES_PER_TB, "TB"), "1/TB")
    if len(datasets) > 1:
        figure = figure.with_notes(f"the unique bytes of {len(datasets)} datasets are added up")
    if any(dataset.declared for dataset in datasets):
        return figure.with_notes("the bytes of the dataset were declared, not counted")
    return figure


KPI = Kpi(
    id="data_efficiency_score",
    title="Data Efficiency Score",
    unit="1/TB",
    better=Better.HIGHER,
    formula="Q / unique uncompressed training bytes",
    of=data_efficiency_score,
)
