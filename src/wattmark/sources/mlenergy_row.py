"""One published row of ML.ENERGY, v2 or v3: what it states, whether it agrees with itself, and as a run."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wattmark.core.known import GRADE_OF_METHOD, Boundary, Method
from wattmark.core.run import EnergyRow, Hardware, Host, NotSeen, Run, SourceId, Status, Work
from wattmark.core.sound import first_fault
from wattmark.hashing import sha256
from wattmark.sources.bench_labels import accelerators, bench_labels
from wattmark.sources.catalog import Asked
from wattmark.sources.identity import host_of, import_id
from wattmark.sources.lines import number_of
from wattmark.sources.moments import written
from wattmark.sources.stated import errors_of, place_of, subject_of

NAME = "mlenergy"
TASKS = {
    "lm-arena-chat": "text_generation",
    "sourcegraph-fim": "text_generation",
    "gpqa": "reasoning",
    "text-to-image": "image_generation",
    "llm_text_generation/chat": "text_generation",
    "llm_text_generation/code": "text_generation",
    "mllm_text_generation/chat": "image-chat",
    "diffusion/text-to-image": "image_generation",
    "diffusion/text-to-video": "text-to-video",
    "diffusion/image-to-video": "image-to-video",
}
"""Their task -> ours where there is one; the others keep their name."""
METHODS = {
    "v2": "NVML energy counter of the GPUs through Zeus",
    "v3": "NVML energy counter of the GPUs through Zeus, over the steady state with all slots busy",
}
TEXT_IDENTITY = (
    "model_id",
    "gpu_model",
    "num_gpus",
    "tensor_parallel",
    "expert_parallel",
    "data_parallel",
    "max_num_seqs",
    "max_num_batched_tokens",
    "weight_precision",
)
PICTURE_FIGURES = (
    "avg_power_watts",
    "batch_latency_s",
    "energy_per_image_joules",
    "energy_per_video_joules",
    "throughput_images_per_sec",
    "throughput_videos_per_sec",
)
"""What a later publication may correct; the rest tells the row from others."""
AGREE = 1e-3
MOST_WATTS_PER_GPU = 2000.0
"""No GPU of 2026 draws more: NVIDIA's B200 has a limit of 1000 W."""
US_PER_DAY = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One row, checked."""

    version: str
    task: str
    """In their words."""
    model: str
    gpu: str
    gpus: float
    joules: float
    """Of what ``queries`` are of."""
    seconds: float
    queries: float
    output_tokens: float | None = None
    batch_policy: str
    tokens: str
    precision: str = ""
    identity: Mapping[str, Any]
    """What tells the row from every other one, and is no figure."""


def v3_of(row: Mapping[str, Any], task: str) -> Published:
    """A configuration of v3. Raises ValueError for one that cannot be, or contradicts itself."""
    if "energy_per_token_joules" in row:
        return _v3_text(row, task)
    if "energy_per_image_joules" in row or "energy_per_video_joules" in row:
        return _v3_pictures(row, task)
    raise ValueError("states no energy per token, image or video")


def _v3_text(row: Mapping[str, Any], task: str) -> Published:
    per_token, per_request = (_positive(row, f"energy_per_{of}_joules") for of in ("token", "request"))
    length = _positive(row, "avg_output_len")
    power, speed = _positive(row, "avg_power_watts"), _positive(row, "output_throughput_tokens_per_sec")
    gpus = _positive(row, "num_gpus")
    _same("energy per request", per_request, "energy per token x output length", per_token * length)
    _same("energy per token", per_token, "power / throughput", power / speed)
    _possible(power, gpus)
    return Published(
        version="v3",
        task=task,
        model=_name(row, "model_id"),
        gpu=_name(row, "gpu_model"),
        gpus=gpus,
        joules=per_request,
        seconds=length / speed,
        queries=1.0,
        output_tokens=length,
        batch_policy=f"concurrency {_positive(row, 'max_num_seqs'):g}",
        tokens="",
        precision=str(row.get("weight_precision") or ""),
        identity={name: row.get(name) for name in TEXT_IDENTITY},
    )


def _v3_pictures(row: Mapping[str, Any], task: str) -> Published:
    kind = "image" if "energy_per_image_joules" in row else "video"
    each = _positive(row, f"energy_per_{kind}_joules")
    power, latency = _positive(row, "avg_power_watts"), _positive(row, "batch_latency_s")
    batch, gpus = _positive(row, "batch_size"), _positive(row, "num_gpus")
    _same(f"energy per {kind}", each, "power x latency / batch", power * latency / batch)
    _possible(power, gpus)
    size = f"{row.get(f'{kind}_width')}x{row.get(f'{kind}_height')}"
    return Published(
        version="v3",
        task=task,
        model=_name(row, "model_id"),
        gpu=_name(row, "gpu_model"),
        gpus=gpus,
        joules=each * batch,
        seconds=latency,
        queries=batch,
        batch_policy=f"batch {batch:g}",
        tokens=f"steps={row.get('inference_steps')} {size}",
        precision=str(row.get("weight_precision") or ""),
        identity={name: value for name, value in row.items() if name not in PICTURE_FIGURES},
    )


def v2_of(row: Mapping[str, Any], task: str) -> Published:
    """A row of v2, as JSON or as cells. Raises ValueError."""
    if not task:
        raise ValueError(
            "its task is not known: keep it in its tree, or say -o task=llm_text_generation/chat"
        )
    if "Energy/req (J)" in row:
        return _v2_text(row, task)
    for kind in ("image", "video"):
        for name in (f"Energy/{kind} (J)", f"Energy per {kind} (J)"):
            if name in row:
                return _v2_pictures(row, task, _positive(row, name))
    raise ValueError("states no energy per request, image or video")


def _v2_text(row: Mapping[str, Any], task: str) -> Published:
    joules, speed = _positive(row, "Energy/req (J)"), _positive(row, "Token tput (tok/s)")
    length = _positive(row, "Avg Output Tokens")
    tensor, pipeline = _positive(row, "TP"), _positive(row, "PP")
    gpus = tensor * pipeline
    most = _positive(row, "Max BS (reqs)")
    seconds = length / speed
    _possible(joules / seconds, gpus)
    return Published(
        version="v2",
        task=task,
        model=_name(row, "Model"),
        gpu=_name(row, "GPU"),
        gpus=gpus,
        joules=joules,
        seconds=seconds,
        queries=1.0,
        output_tokens=length,
        batch_policy=f"concurrency {most:g}",
        tokens="",
        identity={
            "model": row.get("Model"),
            "gpu": row.get("GPU"),
            "tp": tensor,
            "pp": pipeline,
            "max": most,
        },
    )


def _v2_pictures(row: Mapping[str, Any], task: str, each: float) -> Published:
    batch, latency = _positive(row, "Batch size"), _positive(row, "Batch latency (s)")
    steps = _first(row, "Denoising steps", "Number of inference steps")
    frames = number_of(str(row.get("Frames") or ""))
    gpu = _name(row, "GPU" if "GPU" in row else "GPU model")
    _possible(each * batch / latency, 1.0)
    if (whole := number_of(str(row.get("Batch energy (J)") or ""))) is not None:
        _same("energy per batch", whole, "energy of one x batch", each * batch)
    told = [f"steps={steps:g}", f"frames={frames:g}" if frames is not None else ""]
    return Published(
        version="v2",
        task=task,
        model=_name(row, "Model"),
        gpu=gpu,
        gpus=1.0,
        joules=each * batch,
        seconds=latency,
        queries=batch,
        batch_policy=f"batch {batch:g}",
        tokens=" ".join(filter(None, told)),
        identity={"model": row.get("Model"), "gpu": gpu, "batch": batch, "steps": steps, "frames": frames},
    )


def run_of(row: Published, asked: Asked, date_us: int) -> Run:
    """The row as a run, laid at the date of its publication. Raises ValueError."""
    identity = json.dumps([row.version, row.task, dict(row.identity)], sort_keys=True)
    record_id = import_id(NAME, "", sha256(identity.encode()).hexdigest())
    host = host_of(record_id)
    task = TASKS.get(row.task, row.task)
    release = f"{row.version} {written(date_us)[:10]}"
    run = Run(
        record_id=record_id,
        seq=date_us // US_PER_DAY,  # what was published later supersedes
        status=Status.CLOSED,
        started_at=written(date_us),
        duration_seconds=row.seconds,
        host=Host(id=host, fingerprint=NAME),
        subject=subject_of(
            asked,
            model=row.model,
            stage=asked.subject.stage or "inference",
            task=task,
            labels=bench_labels(
                task,
                origin=f"ml.energy {row.version}",
                method=METHODS[row.version],
                published=True,
                device_class=accelerators(row.gpus, row.gpu),
                batch_policy=row.batch_policy,
                precision=row.precision,
                protocol=f"ml.energy-{row.version}",
                dataset=f"published: {row.task}",
                tokens=row.tokens,
                source=f"ML.ENERGY Leaderboard {release}",
            ),
        ),
        energies=(_energy(row, host, release),),
        work=tuple(_work(row, task)),
        place=place_of(asked, hardware=(Hardware(component="gpu", name=row.gpu, count=row.gpus),)),
        not_seen=(NotSeen(what="rest of the node", reason="the leaderboard states the energy of GPUs"),),
    )
    if (fault := first_fault(run)) is not None:
        raise ValueError(f"{fault[1]} (at {fault[0]})")
    return run


def _energy(row: Published, host: str, release: str) -> EnergyRow:
    return EnergyRow(
        device_id=f"gpu:{host}/published",
        component="gpu",
        t0_seconds=0.0,
        duration_seconds=row.seconds,
        energy_joules=row.joules,
        observed_seconds=row.seconds,
        method=Method.DECLARED,
        boundary=Boundary.DEVICE,
        grade=GRADE_OF_METHOD[Method.DECLARED],
        errors=errors_of(Method.DECLARED, f"{NAME}:{host}"),
        source=SourceId(name=NAME, version=release),
    )


def _work(row: Published, task: str) -> list[Work]:
    done = {"inferences": row.queries, "output_tokens": row.output_tokens}
    if task == "image_generation":
        done["images"] = row.queries
    return [
        Work(unit=unit, count=count, duration_seconds=row.seconds, declared=True)
        for unit, count in done.items()
        if count is not None
    ]


def _positive(row: Mapping[str, Any], name: str) -> float:
    value = row.get(name)
    found = number_of(str(value)) if value is not None and not isinstance(value, bool) else None
    if found is None or not 0 < found < math.inf:
        raise ValueError(f"{name} is {value!r:.40}, not a number above 0")
    return found


def _first(row: Mapping[str, Any], *names: str) -> float:
    return _positive(row, next((n for n in names if n in row), names[0]))


def _name(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{key} is {value!r:.40}, not a name")
    return value.strip()


def _same(what: str, stated: float, how: str, worked_out: float) -> None:
    if abs(stated - worked_out) > AGREE * max(stated, worked_out):
        raise ValueError(f"contradicts itself: {what} is {stated:g}, and {how} gives {worked_out:g}")


def _possible(watts: float, gpus: float) -> None:
    if watts > MOST_WATTS_PER_GPU * gpus:
        raise ValueError(f"cannot be: {watts:g} W of {gpus:g} GPUs")
