"""Count FLOP with PyTorch's own counter and log them as work of the run that is being measured.

PyTorch counts matrix products, convolutions and attention as they are dispatched
(``torch.utils.flop_counter.FlopCounterMode``), two FLOP per multiply-add; element-wise operations are
not counted. Torch is imported when a counter is entered, never before.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import TracebackType
from typing import Any

from wattmark import live
from wattmark.core.errors import UsageError

SHORT_NAMES = {
    "float64": "fp64",
    "float32": "fp32",
    "float16": "fp16",
    "bfloat16": "bf16",
    "float8_e4m3fn": "fp8",
    "float8_e5m2": "fp8",
}


class FlopCounter:
    """Counts FLOP inside a ``with`` block and logs them as work when it ends.

    ``with wattmark.track() as run, FlopCounter(): model(batch)``

    Counting slows eager code down, so its cost lies in the energy too. To keep it out, count one step
    before the run with ``log=False`` and log ``{"flop": counter.flop * steps}`` yourself.
    """

    def __init__(self, *, precision: str | None = None, log: bool = True, track: Any = None) -> None:
        """``precision`` overrides the one seen; ``track`` logs there instead of in the active run."""
        self._stated = precision
        self._wanted = log
        self._track = track
        self._mode: Any = None
        self._seen: set[str] = set()

    @property
    def flop(self) -> float:
        """FLOP counted so far."""
        return float(self._mode.get_total_flops()) if self._mode is not None else 0.0

    @property
    def precision(self) -> str | None:
        """Precision of what was counted: the one stated, else the one seen; ``mixed`` for several."""
        if self._stated is not None:
            return self._stated
        return "mixed" if len(self._seen) > 1 else next(iter(self._seen), None)

    def __enter__(self) -> FlopCounter:
        try:
            counting = importlib.import_module("torch.utils.flop_counter")
        except ImportError:
            raise UsageError("FlopCounter needs PyTorch 2.1 or newer: pip install torch") from None
        noting = {op: self._noting(formula) for op, formula in counting.flop_registry.items()}
        self._mode = counting.FlopCounterMode(display=False, custom_mapping=noting)
        self._mode.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._mode.__exit__(kind, error, trace)
        if self._wanted and self.flop > 0:
            log = self._track.log if self._track is not None else live.log
            log(work={"flop": self.flop}, precision=self.precision)

    def _noting(self, formula: Callable[..., Any]) -> Callable[..., Any]:
        """PyTorch's own formula of one operation, and a note of the precision of its first tensor."""

        def counted(*args: Any, **kwargs: Any) -> Any:
            dtype = next((a.dtype for a in args if hasattr(a, "dtype")), None)
            if dtype is not None:
                name = str(dtype).removeprefix("torch.")
                self._seen.add(SHORT_NAMES.get(name, name))
            return formula(*args, **kwargs)

        counted._get_raw = True  # type: ignore[attr-defined]  # so that tensors come, not only their shapes
        return counted
