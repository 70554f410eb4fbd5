"""Every dataset that tasks can be asked with, as it is listed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wattmark import tables
from wattmark.bench.at_hand import at_hand
from wattmark.bench.published_table import datasets_of
from wattmark.core.bench.listed_dataset import ListedDataset
from wattmark.core.bench.task import TASKS


def listed_datasets(
    task: str | None, folder: Path | None, environment: Mapping[str, str], home: Path
) -> tuple[ListedDataset, ...]:
    """The stand-in of each task (or of one), then what is published for it."""
    synthetic = tables.toml("bench/synthetic")
    found: list[ListedDataset] = []
    for each in TASKS:
        if task is not None and each != task:
            continue
        if each in synthetic:
            found.append(_stand_in(each, synthetic[each]))
        for row in datasets_of(each):
            found.append(
                ListedDataset(
                    task=each,
                    id=row.id,
                    synthetic=False,
                    hub=row.hub,
                    config=row.config,
                    split=row.split,
                    revision=row.revision,
                    preset=row.preset,
                    licence=row.licence,
                    at_hand=str(at_hand(row, folder, environment, home)),
                )
            )
    return tuple(found)


def _stand_in(task: str, said: Mapping[str, Any]) -> ListedDataset:
    hashes = {
        int(k.removeprefix("sha256_of_")): str(v) for k, v in said.items() if k.startswith("sha256_of_")
    }
    return ListedDataset(
        task=task,
        id=f"synthetic/{task}",
        synthetic=True,
        revision=str(said["version"]),
        licence="Apache 2.0",
        at_hand="always",
        sha256=tuple(sorted(hashes.items())),
    )
