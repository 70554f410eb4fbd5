"""TensorBoard: event files with scalars over elapsed seconds, a text summary, and HParams beside the energy.

Written by the package ``tensorboard`` alone: neither TensorFlow nor PyTorch is imported. A run has a folder
of its own below the target, so that TensorBoard shows it as a run beside the program's own.
"""

from __future__ import annotations

import importlib.util
import re
import time
from pathlib import Path
from typing import Any

from wattmark.core.errors import MissingExtra, UsageError
from wattmark.core.tracked import ELAPSED, ENERGY, PREFIX, Conclusion
from wattmark.exporters.tracker import Tracker

SUMMARY = f"{PREFIX}summary"
LIVE_CHARTS = ("energy_joules", "power_watts", "carbon_gco2e")


class TensorBoard(Tracker):
    """Event files in a folder. Raises UsageError for a target that is no folder, MissingExtra without it."""

    name = "tensorboard"

    def __init__(self, target: str, period_seconds: float) -> None:
        super().__init__(period_seconds)
        self._folder = Path(target)
        if self._folder.exists() and not self._folder.is_dir():
            raise UsageError(f"tensorboard:{target} is a file: give the folder of --logdir")
        if importlib.util.find_spec("tensorboard") is None:
            raise MissingExtra("export tensorboard", "tensorboard")
        self._writer: Any = None
        self._tags: dict[str, str] = {}
        self._step = 0

    def open(self, title: str, tags: dict[str, str]) -> None:
        """Begin an event file in ``wattmark-TITLE`` below the folder."""
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        first = tags.get("record_id", "")[:8]  # a model's training and its inference have one title
        whole = title if first in title else f"{title} {first}"
        name = re.sub(r"[^\w.-]+", "-", whole).strip("-.") or "run"
        self._tags = tags
        self._writer = EventFileWriter(str(self._folder / f"wattmark-{name}"))
        self._add(_layout())

    def log(self, numbers: dict[str, float], elapsed_seconds: float) -> None:
        """One point; the step is whole elapsed seconds, and the moment is kept beside it."""
        self._step = int(elapsed_seconds)
        for name, value in numbers.items():
            if name != ELAPSED:
                self._add(_scalar(name, value), self._step)
        self._writer.flush()

    def tell(self, conclusion: Conclusion) -> None:
        """KPIs as scalars, everything that is words as a text, and HParams: the tags beside the energy."""
        for name, value in conclusion.numbers.items():
            self._add(_scalar(name, value), self._step)
        self._add(_text(SUMMARY, _markdown(conclusion)), self._step)
        metrics = [name for name in conclusion.numbers if "." not in name]
        for summary in _hparams({**self._tags, **conclusion.tags}, metrics):
            self._add(summary)
        self._writer.flush()

    def close(self) -> None:
        """End the event file."""
        writer, self._writer = self._writer, None
        writer.close()

    def _add(self, summary: Any, step: int = 0) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        self._writer.add_event(Event(summary=summary, step=step, wall_time=time.time()))


def _scalar(name: str, value: float) -> Any:
    """A scalar in double precision: energy in joules outgrows a float32."""
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
    from tensorboard.compat.proto.types_pb2 import DT_DOUBLE
    from tensorboard.plugins.scalar.metadata import create_summary_metadata

    tensor = TensorProto(dtype=DT_DOUBLE, tensor_shape=TensorShapeProto(), double_val=[value])
    metadata = create_summary_metadata(display_name="", description="")
    return Summary(value=[Summary.Value(tag=name, tensor=tensor, metadata=metadata)])


def _text(name: str, markdown: str) -> Any:
    from tensorboard.plugins.text.metadata import create_summary_metadata

    return _string(name, markdown.encode(), create_summary_metadata(display_name="", description=""))


def _string(name: str, data: bytes, metadata: Any) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
    from tensorboard.compat.proto.types_pb2 import DT_STRING

    tensor = TensorProto(dtype=DT_STRING, tensor_shape=TensorShapeProto(), string_val=[data])
    return Summary(value=[Summary.Value(tag=name, tensor=tensor, metadata=metadata)])


def _layout() -> Any:
    """A dashboard of custom scalars: energy, power and carbon, each with its components."""
    from tensorboard.plugins.custom_scalar import metadata
    from tensorboard.plugins.custom_scalar.layout_pb2 import Category, Chart, Layout, MultilineChartContent

    charts = [
        Chart(title=name, multiline=MultilineChartContent(tag=[rf"^{re.escape(PREFIX)}(\w+_)?{name}$"]))
        for name in LIVE_CHARTS
    ]
    layout = Layout(category=[Category(title="wattmark", chart=charts)])
    # The plugin's own function for this asks for TensorFlow, which does no more than this.
    return _string(
        metadata.CONFIG_SUMMARY_TAG, layout.SerializeToString(), metadata.create_summary_metadata()
    )


def _hparams(tags: dict[str, str], metrics: list[str]) -> list[Any]:
    """The HParams of one session: which tags, and which scalars stand beside them."""
    from tensorboard.plugins.hparams import summary_v2 as hp

    session = {name: value for name, value in tags.items() if name != "record_id"}
    named = [hp.HParam(name) for name in session]
    first = sorted(metrics, key=lambda name: (name != PREFIX + ENERGY, name))
    config = hp.hparams_config_pb(hparams=named, metrics=[hp.Metric(name) for name in first])
    return [config, hp.hparams_pb(session, trial_id=tags.get("record_id"))]


def _markdown(conclusion: Conclusion) -> str:
    """KPIs as a table, then everything that is words."""
    lines = ["| KPI | value | 95 % | grade |", "|---|---|---|---|"]
    for x in conclusion.lines:
        unit = "" if x.unit == "1" else f" {x.unit}"
        value = "-" if x.value is None else f"{x.value:.6g}{unit}"
        ends = "" if x.low is None or x.high is None else f"{x.low:.6g} to {x.high:.6g}"
        lines.append(f"| {x.title} | {value} | {ends} | {x.grade} |")
    lines += ["", *(f"- `{name}`: {_plain(text)}" for name, text in conclusion.words.items())]
    return "\n".join(lines)


def _plain(text: str) -> str:
    return " ".join(text.split()).replace("<", "&lt;").replace("|", "\\|")


def open_export(target: str, period_seconds: float) -> TensorBoard:
    """``tensorboard:FOLDER``."""
    return TensorBoard(target, period_seconds)
