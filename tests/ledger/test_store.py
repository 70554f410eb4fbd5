"""A folder as a store: whole files or none, names taken once, errors that say what to do."""

from __future__ import annotations

import errno
import os
import resource
import signal
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from wattmark.core.errors import LedgerError, UsageError
from wattmark.ledger.store import LocalStore, open_store


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "ledger")


def test_a_name_is_taken_once(store: LocalStore) -> None:
    """The second one is told so, and the first one's bytes stay."""
    assert store.put_new("inbox/a", b"first")
    assert not store.put_new("inbox/a", b"second")
    assert store.read("inbox/a") == b"first"


def test_a_file_is_replaced_whole(store: LocalStore) -> None:
    """Also one that was not there."""
    store.replace("ledger.toml", b"1")
    store.replace("ledger.toml", b"2")
    assert store.read("ledger.toml") == b"2"


def test_names_are_those_below_a_folder(store: LocalStore) -> None:
    """At any depth, with their sizes, and none of other folders; a folder that is not there holds none."""
    store.put_new("inbox/a", b"1")
    store.put_new("inbox/deep/er/b", b"22")
    store.put_new("other/c", b"3")
    assert {(e.name, e.size) for e in store.names("inbox/")} == {("inbox/a", 1), ("inbox/deep/er/b", 2)}
    assert list(store.names("nothing/")) == []
    assert all(e.modified_us > 0 for e in store.names("inbox"))


def test_what_is_not_there_is_said(store: LocalStore) -> None:
    """Reading raises, the size is None, deleting is no error."""
    with pytest.raises(FileNotFoundError):
        store.read("inbox/none")
    assert store.size("inbox/none") is None
    store.delete("inbox/none")
    store.settle("inbox/none")


def test_a_half_written_file_has_no_name(store: LocalStore, tmp_path: Path) -> None:
    """What a killed writer left is not listed, and tidied up once it is old."""
    store.put_new("inbox/a", b"1")
    left = tmp_path / "ledger" / "inbox" / ".b.run.json.123-ab.part"
    left.write_bytes(b"half")
    os.utime(left, (1000, 1000))
    young = left.with_name(".c.run.json.124-cd.part")
    young.write_bytes(b"half")
    assert [e.name for e in store.names("")] == ["inbox/a"]
    assert store.tidy(2_000_000_000) == 1
    assert not left.exists()
    assert young.exists()


def test_a_name_that_is_a_folder_is_an_error_that_names_it(store: LocalStore) -> None:
    """Not a crash, and not a success."""
    store.put_new("inbox/a/b", b"1")
    with pytest.raises(LedgerError, match="inbox/a: "):
        store.read("inbox/a")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_says_what_to_do(tmp_path: Path) -> None:
    """Permission, and another place."""
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with pytest.raises(LedgerError, match="--ledger"):
        LocalStore(locked).put_new("inbox/a", b"1")


def test_a_place_below_a_file_says_what_to_do(tmp_path: Path) -> None:
    """A ledger cannot be in a file."""
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="is a file where a folder should be"):
        LocalStore(tmp_path / "file").put_new("inbox/a", b"1")


def _land_with_little_room(folder: str, most: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    store = LocalStore(Path(folder))
    assert store.put_new("inbox/small", b"1" * most)
    with pytest.raises(LedgerError, match="make room"):
        store.put_new("inbox/large", b"1" * (most + 1))
    assert [e.name for e in store.names("")] == ["inbox/small"]
    assert not [p for p in Path(folder).rglob("*") if p.name.endswith(".part")]


def test_what_does_not_fit_is_not_taken(tmp_path: Path) -> None:
    """Nothing of it is left, and what was there stays."""
    process = get_context("fork").Process(target=_land_with_little_room, args=(str(tmp_path), 4096))
    process.start()
    process.join(250)
    assert process.exitcode == 0
    assert LocalStore(tmp_path).read("inbox/small") == b"1" * 4096
    assert LocalStore(tmp_path).put_new("inbox/large", b"1" * 4097)


def _take(folder: str, number: int) -> None:
    won = LocalStore(Path(folder)).put_new("log/0", str(number).encode())
    os._exit(1 if won else 0)


def test_of_many_who_want_a_name_one_gets_it(tmp_path: Path) -> None:
    """Twenty processes, one winner, and its bytes."""
    context = get_context("fork")
    processes = [context.Process(target=_take, args=(str(tmp_path), n)) for n in range(20)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(250)
    winners = [n for n, process in enumerate(processes) if process.exitcode == 1]
    assert len(winners) == 1
    assert LocalStore(tmp_path).read("log/0") == str(winners[0]).encode()


def test_an_address_is_a_folder_or_a_bucket(tmp_path: Path) -> None:
    """Anything else is refused with what it may be."""
    assert open_store(str(tmp_path)).url == str(tmp_path)
    assert open_store(f"file://{tmp_path}").url == str(tmp_path)
    with pytest.raises(UsageError, match="s3://, gs:// or az://"):
        open_store("ftp://host/ledger")


def test_a_table_has_an_absolute_address(store: LocalStore) -> None:
    """Engines do not share our working directory."""
    assert Path(store.table_uri("evidence")).is_absolute()
    assert store.options == {}


def test_errors_of_the_disk_are_told_apart() -> None:
    """Full, forbidden, without links."""
    from wattmark.ledger.store import _advice

    assert "make room" in _advice(OSError(errno.ENOSPC, ""))
    assert "--ledger" in _advice(OSError(errno.EROFS, ""))
    assert "hard links" in _advice(OSError(errno.EOPNOTSUPP, ""))
    assert "again" in _advice(OSError(errno.EIO, ""))


@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")
def test_links_that_lead_nowhere_are_no_files(store: LocalStore) -> None:
    """One that is broken, one that leads to itself: neither listed nor sized, and no crash."""
    folder = Path(store.url) / "inbox"
    folder.mkdir(parents=True)
    (folder / "round").symlink_to("round")
    (folder / "gone").symlink_to("nowhere")
    assert list(store.names("inbox/")) == []
    assert (store.size("inbox/round"), store.size("inbox/gone"), store.size(f"inbox/{'x' * 300}")) == (
        None,
    ) * 3


def test_a_name_that_others_make_and_remove_is_taken_or_put(tmp_path: Path) -> None:
    """Whatever happens between looking and syncing: it is theirs, or it is put; never an error."""
    store = LocalStore(tmp_path)
    name = "grid/a.csv.lock"

    def make_and_remove(times: int) -> int:
        mine = 0
        for _ in range(times):
            if store.put_new(name, b"x"):
                mine += 1
                store.delete(name)
        return mine

    with ThreadPoolExecutor(4) as hands:
        assert sum(hands.map(make_and_remove, [100] * 4)) > 0
    assert store.size(name) is None, "who made it removed it"


def test_a_name_that_is_taken_by_a_link_to_nowhere_is_an_error(tmp_path: Path) -> None:
    """It can neither be put nor read."""
    (tmp_path / "a").symlink_to(tmp_path / "gone")
    with pytest.raises(LedgerError, match="a: "):
        LocalStore(tmp_path).put_new("a", b"1")
