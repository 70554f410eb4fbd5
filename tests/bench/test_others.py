"""The share of busy CPU time that was somebody else's."""

from __future__ import annotations

from pathlib import Path

from wattmark.bench.others import Others


def stat(proc: Path, user: int, idle: int = 1000) -> None:
    """So many ticks of 0.01 s were busy so far."""
    (proc / "stat").write_text(f"cpu  {user} 0 0 {idle} 0 0 0 0 0 0\n")


def test_what_others_used_is_theirs(tmp_path: Path) -> None:
    """100 000 busy seconds passed, of which this test had none worth naming: all of it, nearly."""
    stat(tmp_path, 0)
    others = Others(tmp_path)
    stat(tmp_path, 10_000_000)
    share = others.share()
    assert share is not None
    assert 0.999 < share <= 1.0


def test_an_idle_machine_has_no_share(tmp_path: Path) -> None:
    """Nothing was busy: nothing can be said of whose it was."""
    stat(tmp_path, 500)
    others = Others(tmp_path)
    stat(tmp_path, 500, idle=2000)
    assert others.share() is None


def test_a_system_that_does_not_tell_has_no_share(tmp_path: Path) -> None:
    """No /proc/stat; and again none when it comes later, for there is nothing before it."""
    others = Others(tmp_path)
    assert others.share() is None
    stat(tmp_path, 100_000)
    assert others.share() is None
