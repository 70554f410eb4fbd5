"""Where a model runs, and in which precision. What a device cannot do is refused, never changed silently."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from wattmark.core.errors import MissingExtra, UsageError

DTYPES = ("float32", "float16", "bfloat16", "float64")
"""Precisions by the names of PyTorch; ``auto`` is what the model was shipped in."""


def torch_module() -> Any:
    """PyTorch. Raises MissingExtra where it is absent."""
    try:
        import torch
    except ImportError:
        raise MissingExtra("local models", "bench") from None
    return torch


def device_of(asked: str) -> Any:
    """The ``torch.device`` of ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``; CUDA's has its number.

    ``auto`` takes CUDA where it is there, then MPS, then the CPU. Raises UsageError for what is not there.
    """
    torch = torch_module()
    kind, _, number = asked.partition(":")
    if kind == "auto":
        return torch.device("cuda", 0) if torch.cuda.is_available() else _without_cuda(torch)
    if not re.fullmatch(r"(cpu|mps)|cuda(:\d+)?", asked):
        raise UsageError(f"--device {asked}: there is auto, cpu, cuda, cuda:N and mps")
    if kind == "cuda":
        if not torch.cuda.is_available():
            raise UsageError(f"--device {asked}: this PyTorch ({torch.__version__}) sees no CUDA device")
        if int(number or 0) >= torch.cuda.device_count():
            raise UsageError(f"--device {asked}: there are {torch.cuda.device_count()}, counted from 0")
        return torch.device("cuda", int(number or 0))
    if kind == "mps" and not torch.backends.mps.is_available():
        raise UsageError("--device mps: this PyTorch sees no Apple GPU")
    return torch.device(kind)


def _without_cuda(torch: Any) -> Any:
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def dtype_of(name: str, device: Any) -> Any:
    """The ``torch.dtype`` of a name; the text ``auto`` stays.

    Raises UsageError where a device cannot do it.
    """
    torch = torch_module()
    if name == "auto":
        return name
    if name not in DTYPES:
        raise UsageError(f"--dtype {name}: there is {', '.join(DTYPES)} and auto")
    dtype = getattr(torch, name)
    if device.type == "cuda" and dtype is torch.bfloat16 and not torch.cuda.is_bf16_supported():
        raise UsageError(f"--dtype {name}: {torch.cuda.get_device_name(device)} does not do it; float16 may")
    try:
        one = torch.ones(2, 2, dtype=dtype, device=device)
        torch.softmax(torch.nn.functional.linear(one, one), dim=-1)
    except (RuntimeError, TypeError) as error:
        raise UsageError(f"--dtype {name}: {device.type} does not do it ({error})") from None
    return dtype


def synchronise(device: Any) -> None:
    """Wait until the device has done everything that it was given."""
    torch = torch_module()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def placed(model: Any, device: Any, dtype: Any = None) -> Any:
    """A model on the device, in a precision unless it is None or ``auto``; of a pipeline its networks.

    Raises UsageError where it does not fit.
    """
    try:
        return model.to(device) if dtype in (None, "auto") else model.to(device, dtype)
    except RuntimeError as error:  # out of memory is one
        raise UsageError(f"the model does not fit on {device}: {str(error).strip()[:200]}") from None


def memory_back() -> None:
    """Give memory back that nothing points at any more, that of a GPU too."""
    gc.collect()
    torch = torch_module()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw random weights from a seed; outside, PyTorch's random numbers go on as if nothing had been."""
    torch = torch_module()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
