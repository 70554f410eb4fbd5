"""What the operator is told of looks at engines."""

import threading

from wattmark.agent.looks import Looks
from wattmark.core.readings import Gap
from wattmark.core.serving.engine import EngineReading, Look


class Engine:
    """Answers with what it is given, one after the other; the last again and again."""

    def __init__(self, *answers: Look) -> None:
        self.answers = list(answers)
        self.last_was_given = threading.Event()

    def look(self) -> Look:
        if len(self.answers) > 1:
            return self.answers.pop(0)
        self.last_was_given.set()
        return self.answers[0]

    def close(self) -> None:
        """Nothing is open."""


def told_of(*answers: Look) -> list[str]:
    """What is said while an engine answers so."""
    said: list[str] = []
    engine = Engine(*answers)
    looks = Looks({"chat-0": ("vllm", lambda: engine)}, 0.001)
    looks.say = said.append
    looks.start()
    assert engine.last_was_given.wait(120)
    looks.stop()
    return said


DOWN = Gap("chat-0: no answer: Connection refused")
UP = EngineReading(target="chat-0", engine="vllm", at_us=0)


def test_an_engine_that_does_not_answer_is_told_of_once() -> None:
    """A wrong port is seen at the start, and not again every second."""
    (said,) = told_of(DOWN, DOWN, DOWN)
    assert said.startswith("engine chat-0: no answer: Connection refused; it is looked at again")


def test_an_engine_that_answers_from_the_start_is_not_told_of() -> None:
    """What is as it should be needs no word."""
    assert told_of(UP, UP) == []


def test_an_engine_that_answers_again_is_told_of() -> None:
    """So that the one who mended it sees it."""
    assert told_of(DOWN, UP, UP)[-1] == "engine chat-0: answers"
