"""The labels by which a run is known as the result of a benchmark (:mod:`wattmark.core.bench.imported`)."""

from __future__ import annotations

LABEL = "wattmark.bench."


def bench_labels(
    task: str,
    *,
    origin: str,
    method: str,
    published: bool = False,
    **told: str | None,
) -> dict[str, str]:
    """Labels of a run that a benchmark made; what is None or empty is not told, and no label.

    ``told``: device_class, batch_policy, precision, protocol, dataset, tokens, model_class, cohort, device,
    served_by, source, warm_up, random_weights.
    """
    known = {
        "task": task,
        "origin": origin,
        "method": method,
        "published": "true" if published else "false",
        **told,
    }
    return {f"{LABEL}{name}": text for name, text in known.items() if text}


def accelerators(count: float | None, name: str) -> str:
    """``8 x NVIDIA H200``; empty where it has no name."""
    return f"{count or 1:g} x {name}" if name else ""
