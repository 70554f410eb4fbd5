"""One file for each entry, made by any number of writers without a lock."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.ledger.audit_writers import draft
from wattmark.core.errors import EvidenceError, LedgerError
from wattmark.core.governance.audit import GENESIS, Entry
from wattmark.core.governance.chain import Anchor, FindingKind, State, hash_of, sealed, verified
from wattmark.core.governance.identity import Identity
from wattmark.ledger.auditlog import AuditLog, objects_kept, open_log, parsed, rendered
from wattmark.ledger.store import Entry as File
from wattmark.ledger.store import LocalStore

ROOT = Path(__file__).parents[2]


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    """An empty one."""
    return open_log(str(tmp_path / "audit"))


def file_of(log: AuditLog, seq: int) -> Path:
    """The file of an entry."""
    return Path(log.url) / f"entries/{seq:010d}.json"


def filled(log: AuditLog, count: int) -> list[Entry]:
    """So many entries."""
    return [log.append(draft("gate", number)) for number in range(count)]


def kinds(log: AuditLog) -> list[tuple[int, FindingKind]]:
    """What a check finds."""
    return [(one.seq, one.kind) for one in verified(log.placed()).findings]


def test_entries_are_files_by_their_number(log: AuditLog) -> None:
    """Ten digits, so that they sort in any list of files."""
    first, second = filled(log, 2)
    assert sorted(p.name for p in (Path(log.url) / "entries").iterdir()) == [
        "0000000001.json",
        "0000000002.json",
    ]
    assert (first.prev_hash, second.prev_hash, log.head()) == (GENESIS, first.hash, second)
    assert list(log.newest_first()) == [second, first]


def test_an_entry_is_read_as_it_was_written(log: AuditLog) -> None:
    """Letter by letter."""
    (entry,) = filled(log, 1)
    assert parsed(file_of(log, 1).read_bytes()) == entry == log.entry(1)
    assert hash_of(entry) == entry.hash


def test_an_empty_log_has_no_head(log: AuditLog) -> None:
    """And reading it makes no folder."""
    assert log.head() is None
    assert not Path(log.url).exists()


def test_a_number_that_was_never_written_is_not_gone(log: AuditLog) -> None:
    """Whoever mistypes one is told where the log ends; one from its middle that is not there is gone."""
    with pytest.raises(EvidenceError, match="has no entry 9: it is empty"):
        log.entry(9)
    log.append(draft("a"))
    log.append(draft("b"))
    with pytest.raises(EvidenceError, match="has no entry 9: it ends with entry 2"):
        log.entry(9)
    file_of(log, 1).unlink()
    with pytest.raises(EvidenceError, match="is gone: look with `wattmark audit verify`"):
        log.entry(1)


def test_git_keeps_its_hands_off(log: AuditLog) -> None:
    """Line ends stay as they are, and what a killed writer left is not committed."""
    filled(log, 1)
    assert "* -text" in (Path(log.url) / ".gitattributes").read_text()
    assert (Path(log.url) / ".gitignore").read_text() == "*.part\n"


def test_objects_are_kept_once(log: AuditLog) -> None:
    """By their SHA-256."""
    assert log.keep(b"policy") == log.keep(b"policy")
    assert log.kept(log.keep(b"policy")) == b"policy"
    assert len(list((Path(log.url) / "objects").iterdir())) == 1


def test_objects_that_are_gone_or_altered_are_found(log: AuditLog) -> None:
    """Each entry that refers to them is named."""
    good, gone, altered = log.keep(b"good"), log.keep(b"gone"), log.keep(b"altered")
    entries = [
        log.append(draft("gate", n, {"run:a": one})) for n, one in enumerate((good, gone, altered, gone))
    ]
    (Path(log.url) / "objects" / gone).unlink()
    (Path(log.url) / "objects" / altered).write_bytes(b"other")
    assert [(one.seq, one.kind) for one in log.lost(entries)] == [
        (2, FindingKind.LOST_OBJECT),
        (3, FindingKind.LOST_OBJECT),
        (4, FindingKind.LOST_OBJECT),
    ]
    with pytest.raises(EvidenceError, match="is no SHA-256"):
        log.kept("../../etc/passwd")


def test_runs_of_which_only_hashes_are_kept_are_not_missed(log: AuditLog) -> None:
    """Policy and decision still are."""
    entry = replace(draft("gate", 1, {"run:a": "ab" * 32, "policy": "cd" * 32}), detail={"keep": "digests"})
    assert objects_kept(entry) == {"policy": "cd" * 32}
    assert [one.seq for one in log.lost([log.append(entry)])] == [1]


def test_an_edit_of_a_file_is_found(log: AuditLog) -> None:
    """A failed gate turned into a pass."""
    filled(log, 3)
    file_of(log, 2).write_text(file_of(log, 2).read_text().replace('"pass"', '"waived"'))
    assert kinds(log) == [(2, FindingKind.EDITED)]
    with pytest.raises(EvidenceError, match="was altered"):
        log.entry(2)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text[:40], "is no entry of an audit log"),
        (lambda text: text.replace(b'"action"', b'"extra": 1, "action"'), "something was added to it"),
        (lambda text: text.replace(b"\n", b"\r\n"), "laid out anew"),
        (lambda text: text.replace(b'"schema_version": 1', b'"schema_version": 2'), "version 2"),
        (lambda text: b"\xff" + text, "is no entry of an audit log"),
    ],
)
def test_a_file_that_is_no_entry_any_more_is_found(log: AuditLog, change: object, told: str) -> None:
    """Cut short, added to, laid out anew, of another version, no text."""
    filled(log, 2)
    file_of(log, 1).write_bytes(change(file_of(log, 1).read_bytes()))  # type: ignore[operator]
    (found,) = verified(log.placed()).findings
    assert (found.seq, found.kind) == (1, FindingKind.EDITED)
    assert told in found.text


def test_an_unresolved_merge_is_told_as_a_fork(log: AuditLog) -> None:
    """As git leaves the file that two branches both made."""
    filled(log, 1)
    text = file_of(log, 1).read_text()
    file_of(log, 1).write_text(f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> other\n")
    assert kinds(log) == [(1, FindingKind.FORKED)]


def test_swapped_and_removed_files_are_found(log: AuditLog) -> None:
    """On the disk, as somebody with a shell would do it."""
    filled(log, 5)
    second, third = file_of(log, 2).read_bytes(), file_of(log, 3).read_bytes()
    file_of(log, 2).write_bytes(third)
    file_of(log, 3).write_bytes(second)
    file_of(log, 4).unlink()
    assert kinds(log) == [
        (2, FindingKind.REORDERED),
        (3, FindingKind.REORDERED),
        (4, FindingKind.MISSING),
    ]


def test_nothing_is_built_on_a_head_that_was_altered(log: AuditLog) -> None:
    """Else the next honest entry would bury it."""
    filled(log, 2)
    file_of(log, 2).write_text(file_of(log, 2).read_text().replace('"pass"', '"waived"'))
    with pytest.raises(EvidenceError, match="audit verify"):
        log.append(draft("gate"))
    assert log.numbers() == [1, 2]


def test_other_files_beside_it_do_not_matter(log: AuditLog) -> None:
    """Notes of people, leftovers of editors."""
    filled(log, 1)
    (Path(log.url) / "entries" / "README.md").write_text("ours")
    assert log.numbers() == [1]


def test_halves_of_letters_do_not_stop_it(log: AuditLog) -> None:
    """A command line of Latin-1 brings them in; JSON has no word for them."""
    entry = log.append(replace(draft("mod\udce8le"), actor=Identity(name="\udce8")))
    assert (entry.subject, entry.actor.name) == ("mod?le 0", "?")
    assert log.entry(1) == entry


def test_an_entry_whose_answer_was_lost_is_not_written_twice(log: AuditLog) -> None:
    """The store made the file and the answer never came: the second try finds its own entry."""

    class Forgetful:
        url = log.url

        def names(self, prefix: str) -> Iterator[File]:
            return log.files.names(prefix)

        def read(self, name: str) -> bytes:
            return log.files.read(name)

        def put_new(self, name: str, data: bytes) -> bool:
            log.files.put_new(name, data)
            return False

    entry = AuditLog(Forgetful()).append(draft("gate"))
    assert (entry.seq, log.numbers()) == (1, [1])


def test_a_place_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """A file where the folder should be."""
    (tmp_path / "audit").write_text("")
    with pytest.raises(LedgerError, match="is a file where a folder should be"):
        open_log(str(tmp_path / "audit")).append(draft("gate"))


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder that nobody may write, root neither")
def test_a_place_that_may_not_be_written_names_the_setting_of_the_log() -> None:
    """Not that of a ledger, which is another place. In /sys only the kernel makes folders."""
    with pytest.raises(LedgerError, match=r"Let this user write there, or .*`log` under \[audit\]") as error:
        open_log("/sys/kernel/wattmark-audit").append(draft("gate"))
    assert "--ledger" not in str(error.value)


def writer(place: Path | str, name: str, count: int) -> subprocess.Popen[str]:
    """A process that writes."""
    command = [sys.executable, "-m", "tests.ledger.audit_writers", str(place), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def acknowledged(text: str) -> dict[int, str]:
    """Number and hash of every whole line."""
    pairs = (line.split() for line in text.splitlines() if len(line.split()) == 2)
    return {int(seq): hashed for seq, hashed in pairs if len(hashed) == 64}


@pytest.mark.slow
def test_many_processes_make_one_chain(log: AuditLog) -> None:
    """Six processes with ten entries each: 60 entries in one chain, each acknowledged once."""
    processes = [writer(log.url, f"writer-{n}", 10) for n in range(6)]
    told = [acknowledged(process.communicate(timeout=120)[0]) for process in processes]
    everything = {seq: hashed for one in told for seq, hashed in one.items()}
    assert [len(one) for one in told] == [10] * 6
    assert sorted(everything) == list(range(1, 61))
    found = verified(log.placed(), [Anchor(hash=hashed, seq=seq) for seq, hashed in everything.items()])
    assert found.state is State.PROVEN
    assert sorted(item.entry.subject for item in log.placed() if item.entry) == sorted(
        f"writer-{n} {k}" for n in range(6) for k in range(10)
    )


@pytest.mark.slow
def test_writers_that_are_killed_leave_neither_half_an_entry_nor_a_gap(log: AuditLog) -> None:
    """Twelve are killed with SIGKILL while another writes on; what was acknowledged stays."""
    moments = random.Random(7)
    told: dict[int, str] = {}
    steady = writer(log.url, "steady", 40)
    for number in range(12):
        process = writer(log.url, f"killed-{number}", 1000)
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(moments.random() * 0.03)
        process.send_signal(signal.SIGKILL)
        told |= acknowledged(first + process.communicate(timeout=60)[0])
    told |= acknowledged(steady.communicate(timeout=120)[0])
    found = verified(log.placed(), [Anchor(hash=hashed, seq=seq) for seq, hashed in told.items()])
    assert found.findings == ()
    assert len(told) >= 52
    entries = [item.entry for item in log.placed() if item.entry is not None]
    assert list(log.lost(entries)) == []
    assert log.append(draft("after")).seq == found.count + 1


@pytest.mark.slow
def test_an_object_store_takes_one_chain_of_many_writers(tmp_path: Path) -> None:
    """S3 with conditional puts: three processes, one chain."""
    pytest.importorskip("obstore")
    pytest.importorskip("moto.server")
    import os

    from tests.fakes.flaky_proxy import FlakyProxy
    from tests.fakes.s3_server import S3Server

    with S3Server() as server:
        server.create_bucket("audit")
        with FlakyProxy(server.port) as proxy:
            environ = {**os.environ, **server.environ(proxy.port)}
            command = [sys.executable, "-m", "tests.ledger.audit_writers", "s3://audit/log"]
            processes = [
                subprocess.Popen(
                    [*command, f"w{n}", "5"], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environ
                )
                for n in range(3)
            ]
            told: dict[int, str] = {}
            for process in processes:
                told |= acknowledged(process.communicate(timeout=120)[0])
            done = subprocess.run(
                [sys.executable, "-m", "wattmark", "audit", "verify", "--log", "s3://audit/log",
                 "--anchor", f"15:{told[15]}"],
                capture_output=True, text=True, cwd=tmp_path, env=environ, check=False,
            )  # fmt: skip
    assert sorted(told) == list(range(1, 16))
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "15 entries: proven: whole and unchanged")


def test_the_same_entry_of_two_writers_is_two_entries(log: AuditLog) -> None:
    """One second, one actor, one subject: still two things that were done."""
    first, second = log.append(draft("gate")), log.append(draft("gate"))
    assert first.detail["nonce"] != second.detail["nonce"]
    assert log.numbers() == [1, 2]


def test_a_forged_continuation_is_only_seen_by_an_anchor(log: AuditLog) -> None:
    """Who can write can also cut and go on: the chain is sound again, the anchor is not."""
    entries = filled(log, 3)
    file_of(log, 3).unlink()
    forged = sealed(replace(draft("forged"), decision="waived"), entries[1])
    assert isinstance(log.files, LocalStore)
    log.files.put_new("entries/0000000003.json", rendered(forged))
    assert kinds(log) == []
    found = verified(log.placed(), [Anchor(hash=entries[2].hash, seq=3)])
    assert [one.kind for one in found.findings] == [FindingKind.NOT_IN_CHAIN]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_is_no_file_is_a_finding_and_never_waited_for(log: AuditLog, kind: str) -> None:
    """A link to /dev/zero, which git can carry, never ends; a pipe waits for who writes into it."""
    digest = log.keep(b"policy")
    log.append(replace(draft("gate", 1), objects={"policy": digest}))
    log.append(draft("gate", 2))
    for file in (file_of(log, 2), Path(log.url) / f"objects/{digest}"):
        file.unlink()
        if kind == "pipe":
            os.mkfifo(file)
        elif kind == "device":
            file.symlink_to("/dev/zero")
        else:
            file.mkdir()
    placed = list(log.placed())
    lost = list(log.lost([item.entry for item in placed if item.entry is not None]))
    assert [one.kind for one in lost] == [FindingKind.LOST_OBJECT]
    assert "is no file" in lost[0].text
    if kind == "folder":  # no file at all, as if it had been taken away
        assert [item.seq for item in placed] == [1]
    else:
        assert "is no file" in placed[1].fault
        with pytest.raises(LedgerError):
            log.files.put_new("entries/0000000002.json", b"x")
