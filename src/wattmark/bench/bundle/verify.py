"""Works a bundle's result out again, from what was seen alone, and says everything that differs.

What it cannot show: that evidence was not made up. Somebody who invents readings that fit together has a
bundle that is consistent. A signature says whose word it is; and the SHA-256 of the manifest, published
beside a result, that it is still the same bundle.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wattmark.bench.bundle.encoding import decoded, encoded
from wattmark.bench.bundle.files import read_files
from wattmark.bench.bundle.layout import EVIDENCE, LISTED, MANIFEST, OBSERVED, RESULT, RUN, Manifest
from wattmark.bench.bundle.read import manifest_from, not_as_listed
from wattmark.bench.bundle.sound import laxer
from wattmark.bench.bundle.write import manifest_bytes, result_bytes, run_bytes
from wattmark.core.bench.as_run import run_of
from wattmark.core.bench.derive import result_of
from wattmark.core.bench.evidence import Evidence
from wattmark.core.bench.findings import Checked, Finding
from wattmark.core.bench.profile import PROFILES
from wattmark.core.bench.result import Result
from wattmark.core.errors import EvidenceError
from wattmark.hashing import sha256
from wattmark.version import __version__

SAME = 1e-12
"""Numbers that are closer are the same: libraries of other systems round the last digit another way."""
MOST_FINDINGS = 100
KNOWN_PROTOCOLS = frozenset(profile.protocol for profile in PROFILES.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """A check, and the bundle's files as they were read."""

    checked: Checked
    evidence: Evidence | None = None
    """None where it cannot be read."""
    files: Mapping[str, bytes]


def verify(path: Path) -> Findings:
    """Check a bundle offline. Raises EvidenceError for what is none, or of a newer wattmark."""
    files, remarks = read_files(path)
    manifest = manifest_from(str(path), files[MANIFEST])
    found = [Finding(file=file, text=text) for file, _, text in (r.partition(": ") for r in remarks)]
    found += _relisted(manifest, files[MANIFEST])
    found += [Finding(file=name, text=text) for name, text in not_as_listed(manifest, files)]
    evidence: Evidence | None = None
    result: Result | None = None
    if all(name in files for name in LISTED):
        try:
            evidence = decoded(files)
        except EvidenceError as error:
            found.append(Finding(file=error.file, text=error.problem))
        if evidence is not None:
            found += _rewritten(files, evidence)
            found += _manifest_against(manifest, evidence)
            result, differing = _recomputed(files, manifest, evidence)
            found += differing
    checked = Checked(
        evidence_id=_text(manifest.evidence_id),
        manifest_sha256=sha256(files[MANIFEST]).hexdigest(),
        protocol=_text(manifest.protocol),
        wattmark=_text(manifest.wattmark),
        found=tuple(found[:MOST_FINDINGS]),
        result=result,
    )
    return Findings(checked=checked, evidence=evidence, files=files)


def _rewritten(files: Mapping[str, bytes], evidence: Evidence) -> Iterator[Finding]:
    """Files that hold more than the evidence that is read out of them."""
    written = encoded(evidence)
    for name in OBSERVED:
        if files[name] != written[name]:
            pairs = zip(files[name].split(b"\n"), written[name].split(b"\n"), strict=False)
            line, stored, ours = next(
                ((n, a, b) for n, (a, b) in enumerate(pairs, start=1) if a != b), (1, b"", b"")
            )
            yield Finding(
                file=name,
                field=f"line {line}",
                text="is not as wattmark writes it: it holds something that is not read, or in other words",
                stored=_text(stored),
                recomputed=_text(ours),
            )


def _relisted(manifest: Manifest, stored: bytes) -> Iterator[Finding]:
    """A manifest that holds more than what is read out of it; one of another version may do so."""
    if stored != manifest_bytes(manifest):
        yield Finding(
            file=MANIFEST,
            text="is not as wattmark writes it: it holds something that is not read, or in other words",
            by_version=manifest.wattmark != __version__,
        )


def _manifest_against(manifest: Manifest, evidence: Evidence) -> Iterator[Finding]:
    pairs = (
        ("evidence_id", manifest.evidence_id, evidence.id),
        ("protocol", manifest.protocol, evidence.profile.protocol),
        ("wattmark", manifest.wattmark, evidence.environment.get("wattmark", manifest.wattmark)),
    )
    for field, stored, seen in pairs:
        if stored != seen:
            yield Finding(
                file=MANIFEST,
                field=field,
                text="is not the evidence's",
                stored=_text(stored),
                recomputed=_text(seen),
            )


def _recomputed(
    files: Mapping[str, bytes], manifest: Manifest, evidence: Evidence
) -> tuple[Result | None, list[Finding]]:
    protocol = evidence.profile.protocol
    if protocol not in KNOWN_PROTOCOLS:
        text = (
            f"made by protocol {protocol[:40]!r}, which this wattmark {__version__} does not know: "
            f"work it out with wattmark {manifest.wattmark[:40]}"
        )
        return None, [Finding(file=EVIDENCE, field="profile.protocol", text=text, by_version=True)]
    if problem := laxer(evidence):
        return None, [Finding(file=EVIDENCE, field="profile", text=problem)]
    try:
        result = result_of(evidence)
        ours = {RESULT: result_bytes(result), RUN: run_bytes(run_of(evidence))}
    except (ArithmeticError, ValueError, LookupError, TypeError) as error:
        # Evidence that no benchmark can have left: the rules have no answer for it.
        return None, [Finding(file=EVIDENCE, text=f"no result can be worked out of it: {_text(str(error))}")]
    other = manifest.wattmark != __version__
    found: list[Finding] = []
    for name, written in ours.items():
        found += _against(name, files[name], written, manifest.wattmark if other else "")
    return result, found


def _against(name: str, stored: bytes, ours: bytes, made_by: str) -> Iterator[Finding]:
    try:
        document = json.loads(stored)
    except (ValueError, RecursionError) as error:
        yield Finding(file=name, text=f"is not JSON: {_text(str(error))}")
        return
    differing = list(_differences("$", document, json.loads(ours)))
    hint = f" (made by wattmark {made_by[:40]}, worked out by {__version__})" if made_by else ""
    for field, a, b in differing:
        yield Finding(
            file=name,
            field=field,
            text=f"is not what follows from the evidence{hint}",
            stored=a,
            recomputed=b,
            by_version=bool(made_by),
        )
    if not differing and stored != _as_written(document):
        yield Finding(file=name, text="is not as wattmark writes it")


def _as_written(document: Any) -> bytes:
    text = json.dumps(document, sort_keys=True, ensure_ascii=False, indent=1)
    return text.encode("utf-8", errors="replace") + b"\n"


ABSENT = "(not there)"


def _differences(place: str, stored: Any, ours: Any) -> Iterator[tuple[str, str, str]]:
    """Place, stored and recomputed of each leaf that differs."""
    if isinstance(stored, dict) and isinstance(ours, dict):
        for key in sorted({*stored, *ours}):
            at = f"{place}.{_text(key)}"
            if key not in ours:
                yield at, _text(stored[key]), ABSENT
            elif key not in stored:
                yield at, ABSENT, _text(ours[key])
            else:
                yield from _differences(at, stored[key], ours[key])
    elif isinstance(stored, list) and isinstance(ours, list) and len(stored) == len(ours):
        for index, (a, b) in enumerate(zip(stored, ours, strict=True)):
            yield from _differences(f"{place}[{index}]", a, b)
    elif not _same(stored, ours):
        yield place, _text(stored), _text(ours)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return a == b or math.isclose(a, b, rel_tol=SAME, abs_tol=0.0)
    return type(a) is type(b) and bool(a == b)


def _text(value: Any) -> str:
    """For a message: short, and whatever a stranger wrote there does nothing on a terminal."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    shown = "".join(c if c.isprintable() else "?" for c in text)
    return shown if len(shown) <= 120 else shown[:117] + "..."
