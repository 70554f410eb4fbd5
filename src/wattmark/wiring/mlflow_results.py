"""Results of benchmarks that a registry's versions bring along: bundles, results, run files."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from wattmark.bench.results import read_results
from wattmark.core.bench.result import Result
from wattmark.core.errors import EvidenceError
from wattmark.core.governance.promotion import GATE
from wattmark.exporters.mlflow_server import FOLDER, ModelVersion, Server, outer_of

NOT_RESULTS = ("report.html", "kpis.json", "decision.json")
DECISIONS = "decisions"


@dataclass(slots=True)
class Registered:
    """What versions of models bring to choose from."""

    results: list[Result] = field(default_factory=list)
    versions: dict[str, ModelVersion] = field(default_factory=dict)
    """Result id -> the version whose run keeps it; the newest, where several do."""
    left_out: list[tuple[str, str]] = field(default_factory=list)
    """Version and reason, of those that bring nothing that could be compared."""

    def gate(self, result_id: str) -> str:
        """What the version's gate says, as its tag has it; empty: it met none."""
        return self.versions[result_id].tags.get(GATE, "")


def results_of(server: Server, models: Sequence[str]) -> Registered:
    """The results of all versions of these models, newest version first. Raises DeliveryError."""
    found = Registered()
    for model in models:
        for version in server.versions(model):
            try:
                results = _results(server, version)
            except EvidenceError as error:
                found.left_out.append((str(version), error.problem))
                continue
            for result in results:
                if result.id not in found.versions:
                    found.versions[result.id] = version
                    found.results.append(result)
    return found


def _results(server: Server, version: ModelVersion) -> list[Result]:
    """Raises EvidenceError with the reason where there are none."""
    if not version.run_id:
        raise EvidenceError(str(version), "its version names no run")
    names = _kept(server, version.run_id)
    run_id = version.run_id
    if not names and (outer := outer_of(server, run_id)):
        run_id, names = outer, _kept(server, outer)
    if not names:
        raise EvidenceError(str(version), f"its run keeps nothing of wattmark under {FOLDER}/")
    with tempfile.TemporaryDirectory(prefix="wattmark-") as place:
        folder = Path(place).resolve()
        for name in names:
            path = (folder / PurePosixPath(name).relative_to(FOLDER)).resolve()
            if not path.is_relative_to(folder):  # a server must not write where it likes
                raise EvidenceError(
                    str(version), f"its run names an artifact {name!r:.100}, which leads away"
                )
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(server.fetch(run_id, name))
        try:
            return read_results([folder])
        except EvidenceError as error:
            raise EvidenceError(str(version), error.problem) from None


def _kept(server: Server, run_id: str) -> list[str]:
    found = []
    for name in server.files(run_id, FOLDER):
        parts = PurePosixPath(name).parts
        if parts[:1] == (FOLDER,) and DECISIONS not in parts[1:2] and parts[-1] not in NOT_RESULTS:
            found.append(name)
    return found
