"""Results from wherever they are kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.builders import a_run
from tests.core.bench.benchmarks import a_benchmark
from tests.core.stars.results import a_key, a_result, a_row
from wattmark.bench.bundle.encoding import encoded, json_of
from wattmark.bench.bundle.write import manifest_of, result_bytes, write_bundle, write_files
from wattmark.bench.results import (
    FROM_BUNDLE,
    FROM_RUN,
    PUBLISHED,
    UNCHECKED,
    read_loaded,
    read_results,
    results_text,
    write_results,
)
from wattmark.core.bench.derive import result_of
from wattmark.core.bench.pinned import ModelFacts
from wattmark.core.bench.result import Result
from wattmark.core.errors import EvidenceError
from wattmark.core.plain import plain
from wattmark.wiring.bundles import read_bundle_runs

TABLE = "task,model,gpu_wh_per_1000,model_class,cohort\ntext generation,told,1.50,A,Dec 25\n"


def kept(folder: Path, name: str, *results: Result) -> Path:
    path = folder / name
    write_results(results, path)
    return path


@pytest.mark.parametrize("name", ["all.json", "all.jsonl"])
def test_what_is_written_is_read_again(tmp_path: Path, name: str) -> None:
    """Every field, our own and published ones."""
    results = [a_result("a"), a_result("b", energy=None), a_row("c", "1.5", stars=4)]
    path = kept(tmp_path, name, *results)
    assert read_results([path]) == results
    assert [loaded.checked for loaded in read_loaded([path])] == [UNCHECKED, UNCHECKED, PUBLISHED]


def test_one_result_and_a_bare_list_are_read(tmp_path: Path) -> None:
    """As a bundle's result.json, and as programs write lists; also with a byte order mark."""
    one, many = tmp_path / "result.json", tmp_path / "many.json"
    one.write_text("\ufeff" + json.dumps(plain(a_result("a"))), encoding="utf-8")
    many.write_text(json.dumps([plain(a_result("b")), plain(a_result("c"))]))
    assert [r.model.id for r in read_results([one, many])] == ["a", "b", "c"]


def test_a_bundle_is_worked_out_again(tmp_path: Path) -> None:
    """Folder or zip, given by itself, by its manifest, or among others in a folder."""
    folder = tmp_path / "kept"
    bundle = write_bundle(a_benchmark(), folder / "one.wattmark")
    packed = write_bundle(a_benchmark(), tmp_path / "one.wattmark.zip")
    for place in (bundle.path, packed.path, bundle.path / "manifest.json", folder):
        (loaded,) = read_loaded([place])
        assert loaded.checked == FROM_BUNDLE
        assert loaded.result.bundle_sha256 == bundle.manifest_sha256
        assert loaded.result == replace(bundle.result, bundle_sha256=bundle.manifest_sha256)


def test_the_same_result_in_several_forms_counts_once(tmp_path: Path) -> None:
    """A bundle, its result.json and its run.json beside it: the bundle stands for all, in any order."""
    bundle = write_bundle(a_benchmark(), tmp_path / "one.wattmark").path
    forms = [bundle / "run.json", bundle / "result.json", bundle]
    for paths in (forms, forms[::-1]):
        (loaded,) = read_loaded(paths)
        assert loaded.checked == FROM_BUNDLE
    (stated,) = read_loaded(forms[:2])
    assert stated.checked == UNCHECKED
    assert [loaded.checked for loaded in read_loaded(forms[:1])] == [FROM_RUN]
    assert len(read_loaded([bundle / "result.json", bundle / "result.json"])) == 1


def test_an_edited_bundle_is_refused(tmp_path: Path) -> None:
    """Its evidence is not what its manifest lists."""
    bundle = write_bundle(a_benchmark(), tmp_path / "one.wattmark").path
    evidence = bundle / "evidence.json"
    evidence.write_text(evidence.read_text().replace("gpt2", "gpt3"))
    with pytest.raises(EvidenceError, match=r"evidence\.json"):
        read_results([bundle])


def test_evidence_that_makes_no_sense_is_refused_and_no_defect_of_ours(tmp_path: Path) -> None:
    """Its hashes are right: somebody made it up, or another program wrote it."""
    sound = a_benchmark()
    odd = replace(sound, queries=tuple(replace(query, score="x") for query in sound.queries))
    files = {**encoded(odd), "result.json": result_bytes(result_of(sound)), "run.json": b"{}"}
    folder = tmp_path / "odd.wattmark"
    write_files(folder, {**files, "manifest.json": json_of(manifest_of(odd, files))})
    with pytest.raises(EvidenceError, match="no result can be worked out of its evidence: could not"):
        read_results([folder])
    with pytest.raises(EvidenceError, match="no result can be worked out of its evidence: could not"):
        list(read_bundle_runs(folder))


def test_an_unfinished_bundle_is_no_result(tmp_path: Path) -> None:
    """Its folder has no manifest yet."""
    (tmp_path / "one.wattmark").mkdir()
    with pytest.raises(EvidenceError, match="manifest"):
        read_results([tmp_path / "one.wattmark"])


def test_a_table_becomes_published_results(tmp_path: Path) -> None:
    """Grade E, nothing assumed of how it was measured, the unit said as it was taken."""
    path = tmp_path / "told.csv"
    path.write_text(TABLE)
    (loaded,) = read_loaded([path])
    result = loaded.result
    assert (result.task, result.model.id, result.model.model_class) == ("text_generation", "told", "A")
    assert result.stated["gpu_wh_per_1000"] == "1.50"
    assert result.gpu_energy is not None
    assert result.gpu_energy.value == pytest.approx(5.4)
    assert result.gpu_energy.grade == "E"
    assert result.key == a_key(
        **dict.fromkeys(
            (
                "dataset",
                "tokens",
                "device_class",
                "batch_policy",
                "precision",
                "protocol",
                "power_limit",
            ),
            "unknown",
        ),
        evidence="estimated",
    )
    assert (loaded.checked, loaded.place) == (PUBLISHED, f"{path}:2")
    assert loaded.note.endswith("column `gpu_wh_per_1000` is Wh of the GPUs per 1,000 queries")
    assert result.origin.source == "told.csv"


def test_the_same_rating_in_two_tables_is_an_error(tmp_path: Path) -> None:
    """It would count twice in its group."""
    one, other = tmp_path / "a.csv", tmp_path / "b.csv"
    one.write_text(TABLE)
    other.write_text(TABLE.replace("1.50", "1.6"))
    with pytest.raises(EvidenceError, match=r"b\.csv:2: the same rating stands in .*a\.csv:2 already"):
        read_results([one, other])


def test_two_results_of_one_run_that_differ_are_an_error(tmp_path: Path) -> None:
    """One of them was edited."""
    paths = [kept(tmp_path, "a.json", a_result("a")), kept(tmp_path, "b.json", a_result("a", 5.0))]
    with pytest.raises(EvidenceError, match="is another result of the same run"):
        read_results(paths)


def test_run_files_that_are_no_benchmarks_are_passed_over_in_folders_only(tmp_path: Path) -> None:
    """Given by name they are an error; so is a folder without any result."""
    run = tmp_path / "x.run.json"
    run.write_bytes(msgspec.json.encode(a_run()))
    with pytest.raises(EvidenceError, match=r"no benchmark's: it has no label `wattmark\.bench\.task`"):
        read_results([run])
    with pytest.raises(EvidenceError, match="holds no results"):
        read_results([tmp_path])
    kept(tmp_path, "a.json", a_result("a"))
    (tmp_path / "notes.txt").write_text("not looked at")
    (tmp_path / "folder").mkdir()
    assert len(read_results([tmp_path])) == 1


def test_folders_within_folders_are_looked_into(tmp_path: Path) -> None:
    """A week of benchmarks; one that is still running, and what is hidden, are none."""
    week = tmp_path / "week" / "monday"
    write_bundle(a_benchmark(), week / "one.wattmark")
    (week / "two.wattmark" / "open").mkdir(parents=True)
    kept(week / "two.wattmark" / "open", "half.json", a_result("half"))
    (tmp_path / ".cache").mkdir()
    kept(tmp_path / ".cache", "old.json", a_result("old"))
    assert [loaded.checked for loaded in read_loaded([tmp_path])] == [FROM_BUNDLE]


def changed(change: Callable[[dict[str, Any]], object]) -> str:
    """A result's document with a change."""
    document = plain(a_result("a"))
    change(document)
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "is no JSON"),
        ("[" * 5000, "is nested too deeply"),
        ("3", "holds no result: `schema` is None"),
        ('{"schema": "wattmark.other"}', "holds no result: `schema` is 'wattmark.other'"),
        ('{"schema": "wattmark.results"}', "holds no result"),
        ('{"schema": "wattmark.results", "results": [3]}', r"results\[0\]: does not hold a valid result"),
        ('{"schema": "wattmark.results", "results": [{"schema": "x"}]}', "does not hold a valid result"),
        (changed(lambda d: d.update(schema_version=99)), "was written by a newer wattmark"),
        (changed(lambda d: d.pop("validity")), "missing required field `validity`"),
        (changed(lambda d: d["energy"].update(value="x")), r"\$\.energy\.value"),
        (changed(lambda d: d["energy"].update(value=0)), r"0 is no energy.* at `\$\.energy\.value`"),
        (changed(lambda d: d["validity"].update(status="great")), r"\$\.validity\.status"),
        (changed(lambda d: d["validity"].update(status="invalid")), "its reasons make it valid"),
    ],
)
def test_a_document_that_holds_none_names_its_place(tmp_path: Path, text: str, problem: str) -> None:
    """The file, and the field where there is one."""
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(EvidenceError, match=problem) as caught:
        read_results([path])
    assert str(path) in str(caught.value)


def test_lines_name_their_number(tmp_path: Path) -> None:
    """The third line is broken; a blank one is none."""
    path = tmp_path / "x.jsonl"
    path.write_text(results_text([a_result("a")], lines=True) + "\n{\n")
    with pytest.raises(EvidenceError, match=r"x\.jsonl:3: is no JSON"):
        read_results([path])


def test_a_list_entry_of_another_schema_is_named(tmp_path: Path) -> None:
    """A run file within a list is none of ours."""
    path = tmp_path / "x.json"
    path.write_text(json.dumps([plain(a_result("a")), {"schema": "wattmark.run"}]))
    with pytest.raises(EvidenceError, match=r"x\.json\[1\]: holds no result"):
        read_results([path])


def test_a_result_of_another_schema_within_a_document_is_refused(tmp_path: Path) -> None:
    """Whole as it may be."""
    path = tmp_path / "x.json"
    other = {**plain(a_result("a")), "schema": "other"}
    path.write_text(json.dumps({"schema": "wattmark.results", "results": [other]}))
    with pytest.raises(EvidenceError, match="`schema` is 'other'"):
        read_results([path])


@pytest.mark.parametrize("name", ["gpt2\x1b[2J", "gpt2\nanother   5 stars", "abc\u202egpj", "M" * 3000])
def test_names_that_would_spoil_what_shows_them_are_refused(tmp_path: Path, name: str) -> None:
    """A terminal would be cleared, a table would have a row more: in JSON, bundles and tables."""
    evil = a_result(model=ModelFacts(id=name))
    with pytest.raises(EvidenceError, match=r"cannot be shown: `\$\.model\.id`"):
        read_results([kept(tmp_path, "evil.json", evil)])


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    """With the system's words."""
    with pytest.raises(EvidenceError, match="cannot be read: No such file"):
        read_results([tmp_path / "none.json"])


def test_numbers_that_json_does_not_have_are_not_written() -> None:
    """Rather an error than a file that nobody can read."""
    with pytest.raises(ValueError, match="Out of range"):
        results_text([a_result(throughput=float("inf"))])
