"""Error against a wall meter after `wattmark calibrate`, on a workload that the fit has not seen.

    python -m benchmarks.calibration                      simulated machines
    python -m benchmarks.calibration --published FOLDER   the runs of a published study

Published: R. Fischer, "Ground-Truthing AI Energy Consumption" (arXiv 2509.22092), raw data under
github.com/raphischer/ai-energy-validation, folder `results`: CodeCarbon's readings beside a wall meter,
on one machine (i9-13900K, RTX 4090). Its data names no licence, so it is not shipped here: download
the folder and name it. The fit uses the vision runs, the test the language-model runs.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.results import Measurement, rounded
from wattmark.core.calibration import Fit, Point, fit_points, mean_error

ROW = "calibration-error"
JOULES_PER_KWH = 3.6e6
METER_STEP_KWH = 0.001
MACHINES = 200


@dataclass(frozen=True, slots=True)
class Machine:
    """A simulated machine: what its sensors and its plug show for a load.

    Spreads: RAPL within 5 %, GPU sensors -8 to +13 % of a shunt (Yang et al., SC24, arXiv 2312.02741,
    per-card gains), power-supply efficiency along the 80 PLUS Gold points (87 / 90 / 87 % at 20 / 50 /
    100 % load), fans that follow the power.
    """

    cpu_gain: float
    gpu_gain: float
    rest_watts: float
    fan_share: float
    supply_watts: float

    def shown(self, cpu: float, gpu: float) -> float:
        """What we read, in watts."""
        return cpu * self.cpu_gain + gpu * self.gpu_gain

    def wall(self, cpu: float, gpu: float) -> float:
        """What the plug draws, in watts."""
        inside = (cpu + gpu) * (1 + self.fan_share) + self.rest_watts
        load = inside / self.supply_watts
        return inside / (0.90 - 0.03 * ((load - 0.5) / 0.5) ** 2 if load > 0.2 else 0.87 - 0.4 * (0.2 - load))


def simulated(machines: int = MACHINES, seed: int = 20261101) -> Iterator[tuple[float, float]]:
    """(Raw, calibrated) mean error per machine: four steady points, tested on loads in between."""
    world = random.Random(seed)
    for _ in range(machines):
        cpu, gpu = world.uniform(60, 300), world.choice((0.0, 0.0, world.uniform(150, 450)))
        machine = Machine(
            cpu_gain=world.uniform(0.95, 1.05),
            gpu_gain=world.uniform(0.92, 1.13),
            rest_watts=world.uniform(20, 90),
            fan_share=world.uniform(0.0, 0.04),
            supply_watts=1.5 * (cpu + gpu) + 150,
        )
        states = [(0.15, 0.06), (1.0, 0.06), (0.25, 1.0), (0.6, 0.6)]
        fit = fit_points([_point(machine, c * cpu, g * gpu, world) for c, g in states])
        unseen = [
            _point(machine, world.uniform(0.2, 0.9) * cpu, world.uniform(0.1, 1.0) * gpu, world)
            for _ in range(20)
        ]
        yield errors(fit, unseen)


def _point(machine: Machine, cpu: float, gpu: float, world: random.Random) -> Point:
    wobble = world.gauss(1, 0.005)
    return Point(
        readings_watts=machine.shown(cpu, gpu),
        wall_watts=round(machine.wall(cpu, gpu) * wobble, 1),
        resolution_watts=0.1,
    )


def errors(fit: Fit, unseen: Sequence[Point]) -> tuple[float, float]:
    """Mean absolute error in percent before and after the calibration, on points that it has not seen."""
    raw = mean_error([p.readings_watts for p in unseen], unseen)
    after = mean_error([fit.line.at(p.readings_watts) for p in unseen], unseen)
    return 100 * raw, 100 * after


def published(folder: Path) -> tuple[Fit, list[Point]]:
    """The fit on the vision runs on the GPU, and the language-model runs. Raises SystemExit without any."""
    vision = [p for path in sorted(folder.rglob("imagenet*_image_analysis.csv")) for p in study_runs(path)]
    language = [p for path in sorted(folder.rglob("ollama*_image_analysis.csv")) for p in study_runs(path)]
    if len(vision) < 3 or not language:
        raise SystemExit(f"{folder} holds no imagenet*_image_analysis.csv and ollama*_image_analysis.csv")
    return fit_points(vision), language


def study_runs(analysis: Path) -> Iterator[Point]:
    """The GPU runs of one file of the study: readings of the tool, wall power from the meter's pictures."""
    runs_file = analysis.with_name(analysis.name.replace("_image_analysis", ""))
    if not runs_file.is_file():
        return
    shown: dict[str, dict[str, float]] = {}
    with analysis.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            found = re.search(r"([0-9a-z]+)_capture_(start|stop)", line[""])
            if found:
                shown.setdefault(found[1], {})[found[2]] = float(
                    line["manual"] if _number(line["manual"]) else line["value"]
                )
    with runs_file.open(encoding="utf-8", newline="") as file:
        for run in csv.DictReader(file):
            meter = shown.get(run["run_id"], {})
            if "NVIDIA" not in run["params.architecture"] or len(meter) < 2:
                continue
            seconds = float(run["metrics.running_time_total"])
            kwh = meter["stop"] - meter["start"]
            if kwh <= 0:
                continue  # the study's own marks for pictures that could not be read
            yield Point(
                name=run["run_id"],
                readings_watts=float(run["metrics.power_draw_total"]) / seconds,
                wall_watts=kwh * JOULES_PER_KWH / seconds,
                resolution_watts=METER_STEP_KWH * JOULES_PER_KWH / seconds,
            )


def _number(text: str | None) -> bool:
    return bool(text) and bool(re.fullmatch(r"\d+\.\d+", text or ""))


def measurements(folder: Path | None = None) -> list[Measurement]:
    """The row for the report: raw readings beside calibrated ones."""
    if folder is not None:
        fit, language = published(folder)
        raw, after = errors(fit, language)
        note = (
            f"published runs (arXiv 2509.22092): fitted on {len(fit.points)} vision runs, tested on "
            f"{len(language)} language-model runs of the same machine; gain {fit.line.gain:.3f}, offset "
            f"{fit.line.offset_watts:.0f} W"
        )
        return [
            Measurement(ROW, "codecarbon", "%", rounded((raw,)), "as published", note),
            Measurement(ROW, "wattmark", "%", rounded((after,)), "calibrated", note),
        ]
    pairs = list(simulated())
    note = f"simulation of {len(pairs)} machines, four steady points each, tested on other loads"
    return [
        Measurement(ROW, "readings alone", "%", rounded([raw for raw, _ in pairs]), "not calibrated", note),
        Measurement(ROW, "wattmark", "%", rounded([after for _, after in pairs]), "calibrated", note),
    ]


def rows(folder: Path | None = None) -> list[dict[str, Any]]:
    """The same as plain dictionaries."""
    return [asdict(m) for m in measurements(folder)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures; with --json, write the rows to a file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--published", type=Path, help="folder with the study's results")
    parser.add_argument("--json", type=Path, help="write the rows here")
    asked = parser.parse_args(arguments)
    found = measurements(asked.published)
    for m in found:
        print(f"{m.tool}, {m.variant}: {statistics.median(m.samples):.1f} %{_spread(m.samples)}")
    print(found[0].note)
    if asked.json is not None:
        asked.json.write_text(json.dumps([asdict(m) for m in found], indent=1) + "\n", encoding="utf-8")


def _spread(samples: Sequence[float]) -> str:
    if len(samples) == 1:
        return ""
    ordered = sorted(samples)
    return f", 95 % of machines below {ordered[int(0.95 * len(ordered))]:.1f} %, worst {ordered[-1]:.1f} %"


if __name__ == "__main__":
    main()
