"""Request logs that are followed while others write, move and cut them off."""

from __future__ import annotations

import json
import os
from pathlib import Path

from wattmark.agent.entries import FileMark, Told
from wattmark.agent.intake import Intake
from wattmark.agent.tails import Tail


class Taken:
    """What a tail has given on."""

    def __init__(self) -> None:
        self.room = True
        self.ids: list[str] = []
        self.mark: FileMark | None = None
        self.intake = Intake(lambda us: us, lambda: 10**15, self._keep)

    def _keep(self, entry: Told) -> bool:
        if self.room:
            self.ids += [request.request_id for request in entry.over]
            self.mark = entry.mark
        return self.room


def line(name: str) -> str:
    """A request line."""
    return json.dumps({"request_id": name, "start": 1.0, "end": 2.0}) + "\n"


def append(path: Path, text: str) -> None:
    """Write more."""
    with path.open("a") as file:
        file.write(text)


def test_only_what_comes_is_taken_and_lines_are_taken_whole(tmp_path: Path) -> None:
    """What was there before is left alone; half a line waits for its end."""
    log, taken = tmp_path / "r.jsonl", Taken()
    log.write_text(line("old"))
    tail = Tail(log, None)
    tail.follow(taken.intake)
    append(log, line("a") + line("b")[:10])
    tail.follow(taken.intake)
    assert taken.ids == ["a"]
    append(log, line("b")[10:])
    tail.follow(taken.intake)
    assert taken.ids == ["a", "b"]


def test_a_log_that_is_rotated_is_read_to_its_end(tmp_path: Path) -> None:
    """Moved away and begun anew: the rest of the old one and all of the new one are taken, each once."""
    log, taken = tmp_path / "r.jsonl", Taken()
    log.write_text("")
    tail = Tail(log, None)
    tail.follow(taken.intake)
    append(log, line("a"))
    log.rename(tmp_path / "r.jsonl.1")
    tail.follow(taken.intake)
    append(tmp_path / "r.jsonl.1", line("b"))
    log.write_text(line("c"))
    for _ in range(3):
        tail.follow(taken.intake)
    append(log, line("d"))
    tail.follow(taken.intake)
    assert taken.ids == ["a", "b", "c", "d"]


def test_a_log_that_is_cut_off_is_read_from_its_beginning(tmp_path: Path) -> None:
    """Copied and truncated, as logrotate's copytruncate does it."""
    log, taken = tmp_path / "r.jsonl", Taken()
    log.write_text("")
    tail = Tail(log, None)
    tail.follow(taken.intake)
    append(log, line("a") + line("b"))
    tail.follow(taken.intake)
    log.write_text(line("c"))
    tail.follow(taken.intake)
    assert taken.ids == ["a", "b", "c"]


def test_the_next_agent_goes_on_at_the_mark_even_in_a_rotated_file(tmp_path: Path) -> None:
    """What was written while no agent ran is taken: first of the old file, then of the new."""
    log, taken = tmp_path / "r.jsonl", Taken()
    log.write_text("")
    tail = Tail(log, None)
    tail.follow(taken.intake)
    append(log, line("a"))
    tail.follow(taken.intake)
    tail.close()
    append(log, line("b"))
    log.rename(tmp_path / "r.jsonl.1")
    log.write_text(line("c"))
    tail = Tail(log, taken.mark)
    for _ in range(3):
        tail.follow(taken.intake)
    assert taken.ids == ["a", "b", "c"]


def test_what_there_is_no_room_for_is_read_again(tmp_path: Path) -> None:
    """A full disk: nothing is taken and nothing is skipped."""
    log, taken = tmp_path / "r.jsonl", Taken()
    tail = Tail(log, None)
    tail.follow(taken.intake)  # it is not written yet
    log.write_text(line("a"))
    taken.room = False
    tail.follow(taken.intake)
    assert "full" in tail.trouble
    taken.room = True
    tail.follow(taken.intake)
    assert (taken.ids, tail.trouble) == (["a"], "")


def test_a_line_without_end_is_refused_once(tmp_path: Path) -> None:
    """100 kB without a newline are no line; the next one is good."""
    log, taken = tmp_path / "r.jsonl", Taken()
    tail = Tail(log, None)
    tail.follow(taken.intake)
    log.write_text("x" * 100_000)
    tail.follow(taken.intake)
    append(log, "x\n" + line("a"))
    tail.follow(taken.intake)
    assert taken.intake.tally.refused["too_long"] == 1
    assert taken.ids == ["a"]


def test_a_log_that_may_not_be_read_is_said(tmp_path: Path) -> None:
    """A folder in the place of a log."""
    taken = Taken()
    tail = Tail(tmp_path, FileMark(str(tmp_path), "0:0", 5))
    tail.follow(taken.intake)
    assert str(tmp_path) in tail.trouble


def test_a_log_that_cannot_be_looked_at_yet_is_no_new_log(tmp_path: Path) -> None:
    """Away for a moment when the agent starts (links in a circle): later it goes on at its mark, not anew."""
    log, aside, taken = tmp_path / "requests.jsonl", tmp_path / "aside", Taken()
    append(log, "")
    first = Tail(log, None)
    first.follow(taken.intake)
    append(log, line("a"))
    first.follow(taken.intake)
    first.close()
    log.rename(aside)
    os.symlink(log, log)
    after = Tail(log, taken.mark)
    after.follow(taken.intake)
    assert "symbolic links" in after.trouble
    log.unlink()
    aside.rename(log)
    append(log, line("b"))
    after.follow(taken.intake)
    assert (taken.ids, after.trouble) == (["a", "b"], "")
    after.close()


def test_old_lines_of_a_log_that_opens_late_are_left_alone(tmp_path: Path) -> None:
    """What was there before the agent first saw the log was told to nobody, however late it is seen."""
    log, aside, taken = tmp_path / "requests.jsonl", tmp_path / "aside", Taken()
    append(aside, line("old"))
    os.symlink(log, log)
    tail = Tail(log, None)
    tail.follow(taken.intake)
    log.unlink()
    aside.rename(log)
    tail.follow(taken.intake)
    append(log, line("new"))
    tail.follow(taken.intake)
    assert taken.ids == ["new"]
    tail.close()


def test_a_pipe_or_a_folder_in_the_place_of_a_log_is_said_and_never_waited_for(tmp_path: Path) -> None:
    """Opening a pipe that nobody writes to would stop the agent for good."""
    pipe, folder, taken = tmp_path / "pipe", tmp_path / "folder", Taken()
    os.mkfifo(pipe)
    folder.mkdir()
    for place in (pipe, folder):
        tail = Tail(place, None)
        tail.follow(taken.intake)
        assert tail.trouble == f"{place}: is no file that can be followed: pipes and folders cannot"
        tail.close()
