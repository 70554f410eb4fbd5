"""What the settings beside a report of optimum-benchmark tell: model, task, precision, machine, versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wattmark.core.bench.task import task_named
from wattmark.core.run import (
    Hardware,
    Subject,
)
from wattmark.sources.bench_labels import accelerators, bench_labels
from wattmark.sources.catalog import Asked
from wattmark.sources.json_input import at, number_at, text_at
from wattmark.sources.optimum_report import RATED, Report, gpus_of
from wattmark.sources.stated import subject_of

NAME = "optimum-benchmark"
METHOD = "CodeCarbon in machine mode: GPU by NVML's energy counter, CPU by RAPL or a model, RAM by a constant"
TASKS = {
    "text2text-generation": "summarization",
    "feature-extraction": "sentence_similarity",
    "text-to-image": "image_generation",
    "image-to-text": "image_captioning",
    "image-text-to-text": "image_captioning",
}
"""Task of optimum-benchmark -> ours, where the names differ (its energy_star configurations)."""


def subject_told(found: Report, asked: Asked) -> Subject:
    """What was measured: model, task, and the labels of a benchmark's result."""
    config = found.config
    backend = "backend"
    version = text_at(config, "environment", "optimum_benchmark_version")
    gpu, count = gpus_of(config)
    model = text_at(config, backend, "model")
    batch = number_at(config, "scenario", "input_shapes", "batch_size")
    warm_up = number_at(config, "scenario", "warmup_runs")
    task = _task(config)
    labels = bench_labels(
        task,
        origin=f"{NAME} {version}".strip(),
        method=METHOD,
        device_class=accelerators(count, gpu) or text_at(config, "environment", "cpu"),
        batch_policy=None if batch is None else f"batch {batch:g}",
        precision=_precision(config),
        protocol=f"{NAME} {version} {found.scenario}".replace("  ", " "),
        dataset=_dataset(config),
        tokens=_tokens(found),
        device=text_at(config, backend, "device"),
        served_by=" ".join(
            filter(None, (text_at(config, backend, "name"), text_at(config, backend, "version")))
        ),
        warm_up=f"{warm_up:g}" if warm_up is not None else None,
        random_weights="true" if at(config, backend, "no_weights") is True else None,
    )
    return subject_of(
        asked,
        model=model.rpartition("/")[2] if _is_path(model) else model,
        model_version=text_at(config, backend, "model_kwargs", "revision"),
        stage=asked.subject.stage or RATED,
        task=task,
        labels=labels,
    )


def _task(config: Mapping[str, Any]) -> str:
    """Our task; its own name where there is none of ours."""
    named = text_at(config, "backend", "task")
    if named == "text-generation" and at(config, "scenario", "reasoning") not in (None, False, ""):
        return "reasoning"
    known = task_named(named)
    return known.id if known is not None else TASKS.get(named, named or "unknown")


def _precision(config: Mapping[str, Any]) -> str | None:
    kind = text_at(config, "backend", "torch_dtype")
    scheme = text_at(config, "backend", "quantization_scheme")
    return ", ".join(filter(None, (kind, scheme))) if kind and kind != "auto" else None


def _dataset(config: Mapping[str, Any]) -> str | None:
    """Only names of the hub: a folder of somebody's machine says nothing to others."""
    name = text_at(config, "scenario", "dataset_name")
    if "/" not in name or _is_path(name):
        return None
    parts = (
        name,
        text_at(config, "scenario", "dataset_config"),
        text_at(config, "scenario", "dataset_split"),
    )
    return f"published: {' '.join(filter(None, parts))}"


def _is_path(name: str) -> bool:
    return name.startswith(("/", ".", "~")) or name.count("/") > 1 or "\\" in name


def _tokens(found: Report) -> str | None:
    """Limits of input and output, where the task generates."""
    if found.output_tokens is None:
        return "any" if found.scenario != "inference" else None
    longest = number_at(found.config, "scenario", "max_length")
    taken = f"in<={longest:g}" if longest is not None and longest > 0 else "in<=model's"
    return f"{taken} out={number_at(found.config, 'scenario', 'generate_kwargs', 'max_new_tokens'):g}"


def hardware_told(config: Mapping[str, Any]) -> tuple[Hardware, ...] | None:
    """The processor and the GPUs; None where nothing is told of either."""
    gpu, count = gpus_of(config)
    cpu = text_at(config, "environment", "cpu")
    kinds = [Hardware(component="cpu", name=cpu)] if cpu else []
    kinds += [Hardware(component="gpu", name=gpu, count=float(count))] if gpu else []
    return tuple(kinds) or None


def environment_told(config: Mapping[str, Any], codecarbon: str) -> dict[str, str]:
    """Versions of what ran, by name."""
    names = {
        "optimum_benchmark": "optimum_benchmark_version",
        "transformers": "transformers_version",
        "diffusers": "diffusers_version",
        "python": "python_version",
    }
    found = {name: text_at(config, "environment", key) for name, key in names.items()}
    found["codecarbon"] = codecarbon
    return {name: text for name, text in found.items() if text}
