"""Requests with their joules, written and read back."""

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from wattmark.attribution import columns
from wattmark.attribution.result import RequestEnergies
from wattmark.attribution.writing import writer_to
from wattmark.attribution.written import read_written, terms_of
from wattmark.core.errors import EvidenceError
from wattmark.core.known import Grade, Method
from wattmark.core.serving.request import Request, Rule, Service
from wattmark.core.serving.window import DeviceUse, ServingWindow

NOON_US = 1_793_534_400_000_000
REQUESTS = [
    Request(
        request_id="a", service=Service(model="small", tenant="shop"), start_us=NOON_US, end_us=NOON_US + 5
    ),
    Request(
        service=Service(model="large"),
        start_us=NOON_US,
        first_token_us=NOON_US + 1,
        end_us=NOON_US + 7,
        input_tokens=9,
        cached_input_tokens=4,
        output_tokens=3,
        failed=True,
    ),
]


def test_what_was_written_comes_back_with_its_terms(tmp_path: Path) -> None:
    """Requests, joules, and on which terms: rule, boundary, grade; a share that is not known stays so."""
    path = tmp_path / "joules.parquet"
    energies = RequestEnergies(
        columns=columns.of(REQUESTS),
        ordinal=np.array([0, 1]),
        joules=np.array([10.0, 20.0]),
        prefill_joules=np.array([0.0, 5.0]),
        decode_joules=np.array([0.0, 15.0]),
        observed_share=np.array([0.5, math.nan]),
        estimated=np.array([True, False]),
        late_us=np.array([0, 2_000_000]),
    )
    with writer_to(path) as writer:
        writer.write(energies)
        writer.describe(terms_of(window(), 0.25))
    found = read_written(path)
    (back,) = found.chunks()
    assert list(back.columns.requests()) == REQUESTS
    for name in ("ordinal", "joules", "prefill_joules", "decode_joules", "estimated", "late_us"):
        assert getattr(back, name).tolist() == getattr(energies, name).tolist()
    assert np.array_equal(back.observed_share, energies.observed_share, equal_nan=True)
    told = {
        key: found.terms[key] for key in ("attribution_rule", "boundary", "grade", "input_cost", "devices")
    }
    assert told == {
        "attribution_rule": "request_tokens",
        "boundary": "device",
        "grade": "C",
        "input_cost": "0.25",
        "devices": "gpu-0",
    }
    assert len(found.terms["methodology"]) == 64


def test_other_files_are_refused(tmp_path: Path) -> None:
    """A table of something else, and no table at all."""
    parquet.write_table(pa.table({"energy_joules": [1.0]}), tmp_path / "other.parquet")
    with pytest.raises(EvidenceError, match="holds no requests that `wattmark attribute` wrote"):
        read_written(tmp_path / "other.parquet")
    (tmp_path / "text.parquet").write_text("no")
    with pytest.raises(EvidenceError, match="cannot be read"):
        read_written(tmp_path / "text.parquet")


def window() -> ServingWindow:
    """One GPU, known by sampled power, of whose energy nobody was charged."""
    device = DeviceUse(
        device_id="gpu-0",
        component="gpu",
        source="samples",
        method=Method.INTEGRATED_POWER,
        grade=Grade.C,
        energy_joules=30.0,
        observed_seconds=1.0,
        idle_joules=0.0,
        unallocated_joules=30.0,
    )
    return ServingWindow(
        host_id="h", start_us=NOON_US, end_us=NOON_US + 10**6, rule=Rule.TOKENS, devices=(device,)
    )
