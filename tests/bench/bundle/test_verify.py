"""Bundles: the same evidence gives the same bytes, and no edit of any of them goes unnoticed."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bench.bundle.samples import GPU, SECOND, evidence, head
from tests.bench.bundle.test_store import tell
from tests.core.bench.benchmarks import Plot, a_benchmark
from wattmark.bench.bundle.encoding import canonical, decoded, encoded
from wattmark.bench.bundle.files import read_files, zipped
from wattmark.bench.bundle.layout import (
    EVIDENCE,
    LISTED,
    LOOKS,
    MANIFEST,
    OPEN,
    QUERIES,
    RESULT,
    RUN,
    STATES,
    Manifest,
)
from wattmark.bench.bundle.read import load_bundle, read_bundle
from wattmark.bench.bundle.store import EvidenceStore
from wattmark.bench.bundle.verify import verify
from wattmark.bench.bundle.write import manifest_of, write_bundle, write_files
from wattmark.core.bench.evidence import DeviceLooks, Evidence
from wattmark.core.bench.findings import Verdict
from wattmark.core.bench.profile import PROFILES, Profile
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.hashing import sha256
from wattmark.version import __version__

WHOLE = evidence(environment={"driver": "570", "wattmark": __version__})

OLDER = evidence(environment={"wattmark": "0.0.9"})


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that nobody touches."""
    folder = tmp_path_factory.mktemp("sealed") / "a.wattmark"
    write_bundle(WHOLE, folder)
    return folder


@pytest.fixture
def bundle(sealed: Path, tmp_path: Path) -> Path:
    """A copy of it to edit."""
    return Path(shutil.copytree(sealed, tmp_path / "a.wattmark"))


def verdict(path: Path) -> Verdict | str:
    """What a check says; ``not a bundle`` where it is refused."""
    try:
        return verify(path).checked.verdict
    except EvidenceError:
        return "not a bundle"


def relisted(bundle: Path, **changes: Any) -> None:
    """Write the manifest anew, as somebody who edits a bundle carefully would."""
    files = {name: (bundle / name).read_bytes() for name in LISTED}
    document = json.loads((bundle / MANIFEST).read_text())
    document["files"] = [
        {"bytes": len(text), "path": name, "sha256": sha256(text).hexdigest()}
        for name, text in sorted(files.items())
    ]
    (bundle / MANIFEST).write_text(json.dumps({**document, **changes}, sort_keys=True, indent=1) + "\n")


def edited(bundle: Path, name: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a JSON file as wattmark would have written it."""
    document = json.loads((bundle / name).read_text())
    change(document)
    (bundle / name).write_text(json.dumps(document, sort_keys=True, indent=1) + "\n")


def test_a_bundle_is_genuine_and_reads_back(sealed: Path) -> None:
    """Nothing differs, and the evidence is what was written."""
    found = verify(sealed)
    assert (found.checked.verdict, found.checked.found) == (Verdict.GENUINE, ())
    assert found.evidence == read_bundle(sealed) == WHOLE
    assert load_bundle(sealed).result == found.checked.result
    assert sorted(p.name for p in sealed.iterdir()) == sorted([*LISTED, MANIFEST])


def test_equal_evidence_gives_equal_bytes(sealed: Path, tmp_path: Path) -> None:
    """Whole watts or halves, dictionaries in any order: the same evidence is the same bundle."""
    looks = WHOLE.looks[1]
    whole_watts = replace(looks, watts=tuple(None if w is None else int(w) for w in looks.watts))
    other = replace(
        WHOLE,
        looks=(WHOLE.looks[0], whole_watts),
        environment=dict(reversed(list(WHOLE.environment.items()))),
    )
    write_bundle(other, tmp_path / "b.wattmark")
    assert read_files(tmp_path / "b.wattmark")[0] == read_files(sealed)[0]
    write_bundle(other, tmp_path / "b.wattmark.zip")
    write_bundle(WHOLE, tmp_path / "c.wattmark.zip")
    assert (tmp_path / "b.wattmark.zip").read_bytes() == (tmp_path / "c.wattmark.zip").read_bytes()


def test_what_a_store_kept_becomes_the_bundle(sealed: Path, tmp_path: Path) -> None:
    """Sealing removes what the store kept while it ran, and nothing else is left."""
    folder = tmp_path / "a.wattmark"
    with EvidenceStore.open(folder) as store:
        tell(store, WHOLE)
        write_bundle(store.finish(), folder)
    assert read_files(folder) == read_files(sealed)
    assert not (folder / OPEN).exists()


def test_sealing_twice_is_no_harm_and_another_bundle_is_not_written_over(bundle: Path) -> None:
    """Killed after the manifest, it is sealed again; other evidence is refused."""
    write_bundle(WHOLE, bundle)
    assert verdict(bundle) is Verdict.GENUINE
    with pytest.raises(UsageError, match="holds another bundle already"):
        write_bundle(replace(WHOLE, id="2"), bundle)
    write_bundle(WHOLE, bundle.with_suffix(".zip"))
    write_bundle(WHOLE, bundle.with_suffix(".zip"))
    with pytest.raises(UsageError, match="is there already"):
        write_bundle(replace(WHOLE, id="2"), bundle.with_suffix(".zip"))
    assert verdict(bundle) is Verdict.GENUINE


def test_a_bundle_killed_after_its_manifest_is_cleared_by_resuming(bundle: Path) -> None:
    """What the store kept is left beside the manifest: a check says so, resuming removes it."""
    (bundle / OPEN).mkdir()
    assert verdict(bundle) is Verdict.DIFFERS
    with pytest.raises(UsageError, match="this benchmark is finished"):
        EvidenceStore.resume(bundle)
    assert verdict(bundle) is Verdict.GENUINE


def test_an_unfinished_benchmark_is_no_bundle(tmp_path: Path) -> None:
    """It says that it can be resumed."""
    with EvidenceStore.open(tmp_path / "a.wattmark") as store:
        store.begin(head())
    with pytest.raises(EvidenceError, match="is not finished"):
        verify(tmp_path / "a.wattmark")


@pytest.mark.parametrize(
    ("stored", "edited", "field"),
    [
        (b'"schema_version": 1', b'"rchema_version": 1', ""),
        (b'"evidence_id"', b'"remark": "fine", "evidence_id"', ""),
        (f'"wattmark": "{__version__}"'.encode(), b'"wattmark": "9.9.9"', "wattmark"),
    ],
)
def test_a_manifest_holds_nothing_but_what_is_read(
    bundle: Path, stored: bytes, edited: bytes, field: str
) -> None:
    """No key in other words, none more, and no version but the one that the evidence names."""
    path = bundle / MANIFEST
    assert stored in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(stored, edited))
    found = verify(bundle).checked
    assert found.verdict is Verdict.DIFFERS
    assert (MANIFEST, field) in {(f.file, f.field) for f in found.found}


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_any_changed_byte_is_found(
    sealed: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Every byte of every file, the manifest's too, changed to any other."""
    bundle = Path(shutil.copytree(sealed, tmp_path_factory.mktemp("byte") / "a.wattmark"))
    path = bundle / data.draw(st.sampled_from([*LISTED, MANIFEST]))
    text = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(text) - 1))
    text[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(text)
    assert verdict(bundle) in (Verdict.DIFFERS, "not a bundle")


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_changed_byte_of_a_zip_is_found(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """What lies around the files (times, attributes, comments) counts too."""
    path = tmp_path_factory.mktemp("zip") / "a.wattmark.zip"
    write_bundle(WHOLE, path)
    text = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(text) - 1))
    text[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(text)
    assert verdict(path) in (Verdict.DIFFERS, "not a bundle")


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_anything_cut_off_is_found(
    sealed: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Files and zip files that are too short."""
    bundle = Path(shutil.copytree(sealed, tmp_path_factory.mktemp("cut") / "a.wattmark"))
    path = bundle / data.draw(st.sampled_from([*LISTED, MANIFEST]))
    text = path.read_bytes()
    path.write_bytes(text[: data.draw(st.integers(0, max(0, len(text) - 1)))])
    if text:
        assert verdict(bundle) in (Verdict.DIFFERS, "not a bundle")


@pytest.mark.parametrize("name", LISTED)
def test_a_missing_file_is_found(bundle: Path, name: str) -> None:
    """By its name; and the bundle is not read."""
    (bundle / name).unlink()
    assert any(f.file == name and "missing" in f.text for f in verify(bundle).checked.found)
    with pytest.raises(EvidenceError, match="is missing"):
        read_bundle(bundle)


def test_an_added_file_is_found(bundle: Path) -> None:
    """A note beside the evidence is none of it; a folder neither."""
    (bundle / "note.txt").write_text("hello")
    (bundle / "more").mkdir()
    assert [f.file for f in verify(bundle).checked.found] == ["'more'", "'note.txt'"]


def test_reordered_lines_are_found_even_when_they_are_listed_again(bundle: Path) -> None:
    """Two looks change places; the manifest is written anew: the figures no longer follow."""
    lines = (bundle / LOOKS).read_text().split("\n")
    lines[5], lines[6] = lines[6], lines[5]
    (bundle / LOOKS).write_text("\n".join(lines))
    relisted(bundle)
    assert verdict(bundle) is Verdict.DIFFERS


def test_an_edited_result_is_found_though_it_is_listed_again(bundle: Path) -> None:
    """Half the energy, with a manifest that says so: field, stored and recomputed are told."""
    before = json.loads((bundle / RESULT).read_text())["energy"]["value"]
    edited(bundle, RESULT, lambda d: d["energy"].update(value=before / 2))
    relisted(bundle)
    (finding,) = verify(bundle).checked.found
    assert (finding.file, finding.field) == (RESULT, "$.energy.value")
    assert (float(finding.stored), float(finding.recomputed)) == (before / 2, before)
    assert load_bundle(bundle).result.energy is not None  # its hashes are right; only a check tells


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (RESULT, lambda d: d["validity"].update(status="valid", reasons=[])),
        (RESULT, lambda d: d["validity"]["reasons"].pop()),
        (RESULT, lambda d: d.update(hardware="1 x something better")),
        (RESULT, lambda d: d.update(unheard_of=1)),
        (RESULT, lambda d: d.pop("quality")),
        (RUN, lambda d: d["energies"][0].update(energy_joules=1.0)),
        (RUN, lambda d: d.update(record_id="other")),
    ],
)
def test_any_edit_of_what_was_worked_out_is_found(
    bundle: Path, name: str, change: Callable[[dict[str, Any]], None]
) -> None:
    """Listed again or not: it is worked out again, and differs."""
    edited(bundle, name, change)
    relisted(bundle)
    found = verify(bundle).checked
    assert found.verdict is Verdict.DIFFERS
    assert {f.file for f in found.found} == {name}


def test_spaces_in_a_file_are_found(bundle: Path) -> None:
    """The same content in other words is not what wattmark wrote."""
    for name in (RESULT, EVIDENCE):
        (bundle / name).write_text((bundle / name).read_text() + " \n")
    relisted(bundle)
    assert [f.file for f in verify(bundle).checked.found] == [EVIDENCE, RESULT]


def test_something_hidden_in_the_evidence_is_found(bundle: Path) -> None:
    """A field that is not read does not change the result, and is found all the same."""
    edited(bundle, EVIDENCE, lambda d: d.update(hidden="x"))
    relisted(bundle)
    (finding,) = verify(bundle).checked.found
    assert (finding.file, "not as wattmark writes it" in finding.text) == (EVIDENCE, True)


def test_evidence_of_another_protocol_is_told_apart_from_an_edit(bundle: Path, tmp_path: Path) -> None:
    """Rules that this version does not know: it cannot tell, and says which version can."""
    older = replace(OLDER, profile=replace(PROFILES["quick"], protocol="wattmark-0"))
    files = {**encoded(older), RESULT: b"{}\n", RUN: b"{}\n"}
    manifest = replace(manifest_of(older, files), wattmark="0.0.9")
    write_files(tmp_path / "old.wattmark", {**files, MANIFEST: as_json(manifest)})
    (finding,) = verify(tmp_path / "old.wattmark").checked.found
    assert "made by protocol 'wattmark-0'" in finding.text
    assert "wattmark 0.0.9" in finding.text
    assert verdict(tmp_path / "old.wattmark") is Verdict.UNDECIDED


def as_json(manifest: Manifest) -> bytes:
    from wattmark.bench.bundle.encoding import json_of

    return json_of(manifest, indent=1) + b"\n"


def test_a_result_of_another_version_is_told_apart_from_an_edit(tmp_path: Path) -> None:
    """It differs, and another version made it: undecided, with the difference. Its readings are not."""
    bundle = write_bundle(OLDER, tmp_path / "old.wattmark").path
    edited(bundle, RESULT, lambda d: d["latency"].update(p95=0.9))
    relisted(bundle, wattmark="0.0.9")
    found = verify(bundle).checked
    assert found.verdict is Verdict.UNDECIDED
    assert "made by wattmark 0.0.9" in found.found[0].text
    (bundle / LOOKS).write_bytes((bundle / LOOKS).read_bytes() + b"\n")
    assert verdict(bundle) is Verdict.DIFFERS


def test_a_manifest_of_other_evidence_is_found(bundle: Path) -> None:
    """Its id and protocol are the evidence's."""
    relisted(bundle, evidence_id="other", protocol="aies-2025-12")
    assert [f.field for f in verify(bundle).checked.found] == ["evidence_id", "protocol"]


def test_a_manifest_that_lists_more_is_found(bundle: Path) -> None:
    """Paths outside of the bundle are not followed, and double entries not believed."""
    document = json.loads((bundle / MANIFEST).read_text())
    document["files"] += [{"path": "../x", "bytes": 1, "sha256": ""}, document["files"][0]]
    (bundle / MANIFEST).write_text(json.dumps(document))
    found = [(f.file, f.text) for f in verify(bundle).checked.found]
    assert ("'../x'", "is in the manifest, and is none of a bundle's files") in found
    assert (document["files"][0]["path"], "is in the manifest twice") in found


def test_links_and_pipes_are_not_followed(bundle: Path, tmp_path: Path) -> None:
    """A link to a right copy is no file, and reading a pipe would wait for ever."""
    (tmp_path / "copy").write_bytes((bundle / LOOKS).read_bytes())
    (bundle / LOOKS).unlink()
    (bundle / LOOKS).symlink_to(tmp_path / "copy")
    (bundle / RUN).unlink()
    os.mkfifo(bundle / RUN)
    (bundle / STATES).unlink()
    (bundle / STATES).mkdir()
    found = [(f.file, f.text) for f in verify(bundle).checked.found]
    assert (LOOKS, "is a link, not a file") in found
    assert (RUN, "is no plain file") in found
    assert (STATES, "is no plain file") in found
    os.mkfifo(tmp_path / "pipe.zip")
    with pytest.raises(EvidenceError, match="neither a folder nor a zip file"):
        verify(tmp_path / "pipe.zip")


def test_what_is_no_bundle_says_so(tmp_path: Path) -> None:
    """Nothing there, an empty folder, some file, some manifest."""
    with pytest.raises(EvidenceError, match="cannot be read"):
        verify(tmp_path / "none")
    with pytest.raises(EvidenceError, match=r"is no bundle: it holds no manifest\.json"):
        verify(tmp_path)
    (tmp_path / "a.zip").write_text("hello")
    with pytest.raises(EvidenceError, match="neither a folder nor a whole zip file"):
        verify(tmp_path / "a.zip")
    for text, problem in (
        ("[]", "is no manifest"),
        ('{"schema": "wattmark.run"}', "is no bundle's"),
        ('{"schema": "wattmark.bundle", "schema_version": 99}', "newer wattmark"),
        ('{"schema": "wattmark.bundle", "schema_version": 1}', "is no manifest"),
        ("[" * 100_000, "is no manifest"),
        (" " * (2 << 20), "is larger than"),
    ):
        (tmp_path / MANIFEST).write_text(text)
        with pytest.raises(EvidenceError, match=problem):
            verify(tmp_path)


def test_a_bundle_zipped_by_somebody_else_is_read(sealed: Path, tmp_path: Path) -> None:
    """Compressed, and with the folder's name before each file."""
    path = tmp_path / "theirs.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(sealed.iterdir()):
            archive.write(file, f"a.wattmark/{file.name}")
    assert verdict(path) is Verdict.GENUINE
    assert read_bundle(path) == WHOLE


def test_a_zip_that_grows_without_end_is_refused(sealed: Path, tmp_path: Path) -> None:
    """More than a bundle may hold is never unpacked, whatever the archive says of its size."""
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(sealed.iterdir()):
            if file.name != LOOKS:
                archive.write(file, file.name)
        with archive.open(LOOKS, "w", force_zip64=True) as entry:
            zeros = b"\0" * (1 << 24)
            for _ in range(4):  # 64 MiB of some 64 KiB: what a bundle holds is never so much alike
                entry.write(zeros)
    assert (LOOKS, "cannot be unpacked, or is larger than a bundle's file may be") in [
        (f.file, f.text) for f in verify(path).checked.found
    ]


def test_odd_entries_of_a_zip_are_found(sealed: Path, tmp_path: Path) -> None:
    """Paths outside, links, double entries; and too many of them are no bundle."""
    files, _ = read_files(sealed)
    data = io.BytesIO(zipped(files))
    with zipfile.ZipFile(data, "a") as archive:
        archive.writestr("../outside", "x")
        link = zipfile.ZipInfo(STATES)
        link.external_attr = 0o120777 << 16
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr(link, "/etc/passwd")
    path = tmp_path / "odd.zip"
    path.write_bytes(data.getvalue())
    found = {f.file: f.text for f in verify(path).checked.found}
    assert found["'../outside'"] == "is none of a bundle's files"
    assert found[STATES] == "is there twice"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(65):
            archive.writestr(f"{number}", "")
    with pytest.raises(EvidenceError, match="holds 65 files: this is no bundle"):
        verify(path)


def looks(text: str) -> Evidence:
    """Evidence whose looks are this text."""
    return decoded({**encoded(WHOLE), LOOKS: text.encode()})


HEAD = '{"columns":["at_us","watts"],"device_id":"GPU-1"}\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[1,2]\n", "names no device"),
        (HEAD + "[1]\n", "is no look with the columns"),
        (HEAD + '["now",2]\n', "is no look"),
        (HEAD + '[1,"much"]\n', "watts is 'much', not a number"),
        (HEAD + "[1,2,3]\n", "is no look"),
        (HEAD + "hello\n", r"looks\.jsonl:2: cannot be read"),
        (HEAD + "[1,2.0]", r"looks\.jsonl: its last line has no end"),
        (HEAD.replace("watts", "volts"), "has the columns"),
        (HEAD.replace("watts", "energy_uj") + "[1,2.5]\n", "energy_uj is 2.5, not a number"),
    ],
)
def test_looks_that_cannot_be_are_named(text: str, problem: str) -> None:
    """With file and line."""
    with pytest.raises(EvidenceError, match=problem):
        looks(text)


def test_a_look_without_a_reading_and_a_device_without_a_look_come_back() -> None:
    """Nothing, gaps, and columns that are not there."""
    none = DeviceLooks(device_id="GPU-9", at_us=())
    blind = DeviceLooks(device_id="GPU-8", at_us=(1, 2), gaps={"0": "lost", "1": "still lost"})
    known = replace(WHOLE, looks=(none, blind))
    assert canonical(known) == known


@pytest.mark.parametrize(
    "broken",
    [
        DeviceLooks(device_id="x", at_us=(1, 2), watts=(1.0,)),
        DeviceLooks(device_id="x", at_us=(1,), watts=(float("nan"),)),
        DeviceLooks(device_id="x", at_us=(1,), watts=(1.0,), gaps={"7": "late"}),
    ],
)
def test_evidence_that_no_bundle_can_hold_is_refused(broken: DeviceLooks) -> None:
    """Rather than written and not read again."""
    with pytest.raises(EvidenceError, match="cannot be written"):
        encoded(replace(WHOLE, looks=(broken,)))


def test_other_documents_in_the_place_of_evidence_are_named(bundle: Path) -> None:
    """A run file, evidence of a newer wattmark, columns in the wrong file."""
    for change, problem in (
        ({"schema": "wattmark.run"}, "expected 'wattmark.bench_evidence'"),
        ({"schema_version": 9}, "newer wattmark"),
        ({"queries": []}, "holds `queries`, which has a file of its own"),
        ({"host": 5}, r"cannot be read.*\$\.host"),
    ):
        files = encoded(WHOLE)
        files[EVIDENCE] = json.dumps({**json.loads(files[EVIDENCE]), **change}).encode()
        with pytest.raises(EvidenceError, match=problem):
            decoded(files)


def test_evidence_that_no_result_follows_from_differs(bundle: Path) -> None:
    """Times that no benchmark can have: a finding, never a crash."""
    for line in ('"end_us":1' + "0" * 400, '"end_us":-5'):
        text = (bundle / QUERIES).read_text().split("\n")
        text[0] = text[0].replace(f'"end_us":{5 * SECOND}', line)
        (bundle / QUERIES).write_text("\n".join(text))
        relisted(bundle)
        assert verdict(bundle) is Verdict.DIFFERS


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"period_us": 0}, "period_us is 0"),
        ({"phases": (replace(WHOLE.phases[0], end_us=10**18),)}, "idle_before from 0 to 1000000000000000000"),
        ({"phases": (replace(WHOLE.phases[1], end_us=0),)}, "is no stretch"),
        ({"looks": (DeviceLooks(device_id="x", at_us=(10**18,)),)}, "when no benchmark can be"),
        ({"looks": (DeviceLooks(device_id="x", at_us=(1,), energy_uj=(-1,)),)}, "what no counter can"),
        ({"looks": (DeviceLooks(device_id="x", at_us=(1,), watts=(1e12,)),)}, "what no sensor can"),
        ({"queries": (replace(WHOLE.queries[0], input_tokens=-1),)}, "counts what cannot be"),
        ({"queries": (replace(WHOLE.queries[0], end_us=0),)}, "is no stretch"),
        ({"states": (replace(WHOLE.states[0], at_us=-(10**18)),)}, "when no benchmark can be"),
        ({"queries": (replace(WHOLE.queries[0], failed="\x1b[2J"),)}, "a reason that cannot be shown"),
    ],
)
def test_numbers_that_cannot_be_are_named(changes: dict[str, Any], problem: str) -> None:
    """Rather than worked on for hours: a phase of 30,000 years has a trillion seconds."""
    with pytest.raises(EvidenceError, match=problem):
        canonical(replace(WHOLE, **changes))


@pytest.mark.parametrize(
    ("profile", "problem"),
    [
        (replace(PROFILES["quick"], rated=True), "quick is never rated, and here it says it is"),
        (replace(PROFILES["certified"], window_seconds=1.0), "asks for 600 s in a repeat, and here for 1 s"),
        (replace(PROFILES["quick"], id="mine"), "'mine' is none of protocol wattmark-1"),
    ],
)
def test_a_profile_that_asks_less_than_its_name_is_found(
    tmp_path: Path, profile: Profile, problem: str
) -> None:
    """Though everything follows from it: what the profile's name stands for is no matter of the bundle."""
    write_bundle(replace(WHOLE, profile=profile), tmp_path / "lax.wattmark")
    (finding,) = verify(tmp_path / "lax.wattmark").checked.found
    assert (finding.field, problem in finding.text) == ("profile", True)


def test_what_would_spoil_a_terminal_is_never_in_a_bundle(tmp_path: Path) -> None:
    """A model's name with a control sequence and a line of its own; a bundle with one differs."""
    evil = replace(WHOLE, model=replace(WHOLE.model, id="a\x1b[2J\n5 stars\u202e"), notes=("\x9b2J",))
    written = write_bundle(evil, tmp_path / "evil.wattmark")
    assert written.evidence.model.id == written.result.model.id == "a?[2J 5 stars?"
    assert "?2J" in written.result.notes
    assert verify(written.path).checked.verdict is Verdict.GENUINE
    edited(written.path, EVIDENCE, lambda head: head["model"].update(id="a\x1b[2J"))
    assert verify(written.path).checked.verdict is Verdict.DIFFERS


numbers = st.floats(min_value=0, max_value=300, allow_nan=False)


@settings(max_examples=60, deadline=None)
@given(
    watts=st.lists(st.one_of(st.none(), numbers), min_size=1, max_size=20),
    score=st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), numbers, st.text()),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=5,
    ),
    reason=st.text(min_size=1, max_size=20).filter(lambda t: t.isprintable()),
)
def test_whatever_was_seen_comes_back(watts: list[float | None], score: Any, reason: str) -> None:
    """Evidence to files and back is the same evidence."""
    gaps = {str(i): reason for i, w in enumerate(watts) if w is None}
    seen = DeviceLooks(device_id=GPU.id, at_us=tuple(range(len(watts))), watts=tuple(watts), gaps=gaps)
    known = replace(WHOLE, looks=(seen,), queries=(replace(WHOLE.queries[0], score=score),))
    assert canonical(known) == known
    assert encoded(canonical(known)) == encoded(known)


@pytest.mark.slow
def test_a_large_bundle_is_verified_within_a_gigabyte(tmp_path: Path) -> None:
    """200,000 queries, and 8 GPUs read 10 times a second over two hours: in a process of its own, so that
    its peak can be told. How long it takes is for docs/bench/bundle.md to say, not for a test.
    """
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux tells the peak of a process in /proc")
    plot = Plot(repeats=10, seconds=680.0, queries=100, turns=200, rest=30.0, warm_up=100)
    one = a_benchmark(plot, profile=PROFILES["certified"], environment={"wattmark": __version__})
    names = [f"GPU-{n}" for n in range(8)]
    large = replace(
        one,
        devices=tuple(replace(one.devices[0], id=name) for name in names),
        looks=tuple(replace(one.looks[0], device_id=name) for name in names),
        states=tuple(replace(look, device_id=name) for look in one.states for name in names),
    )
    write_bundle(large, tmp_path / "large.wattmark")
    code = (
        "import sys; from pathlib import Path; from wattmark.bench.bundle.verify import verify\n"
        "print(verify(Path(sys.argv[1])).checked.verdict.value)\n"
        # Of its own memory: getrusage tells the parent's at the fork, where that was more.
        "print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "large.wattmark")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert said[0] == "genuine"
    assert int(said[1]) < 1_000_000  # kB
