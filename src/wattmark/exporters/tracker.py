"""What Weights & Biases, Comet, TensorBoard and their like share: live numbers, then what the run came to."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable, Sequence

from wattmark.core.errors import without_secrets
from wattmark.core.facts import Facts
from wattmark.core.run import Run
from wattmark.core.tracked import Conclusion, live_numbers
from wattmark.exporters.periodic import Periodic

CONCLUDE_SECONDS = 60.0
"""How long the end of a run waits for a tracker to take its KPIs and files."""
OPEN_TRIES = 3
"""A tracker that cannot be opened so often is left alone, and at once when the run has ended: each try may
wait for a network."""


class NotOpened(Exception):
    """A tracker could not be opened before; the message is the reason."""


class Tracker(Periodic):
    """Tells an experiment tracker of a run. A subclass opens it, logs numbers, tells a conclusion, closes.

    Everything happens in threads of its own; nothing is raised into the program that is measured.
    """

    facts: Callable[[Run], Facts] | None = None
    """Works out what carbon needs; None: no carbon is shown live."""
    conclusion: Callable[[Run, bytes, Sequence[bytes]], Conclusion] | None = None
    """Works out what a finished run came to, of its run file and of those of its earlier parts; None: live
    numbers are all there is."""
    wait_seconds: float = CONCLUDE_SECONDS

    def __init__(self, period_seconds: float) -> None:
        super().__init__(period_seconds)
        self._opened = False
        self._tries = 0
        self._refused = ""

    @abstractmethod
    def open(self, title: str, tags: dict[str, str]) -> None:
        """Attach to what is tracked in this program already, or begin something new. May raise."""

    @abstractmethod
    def log(self, numbers: dict[str, float], elapsed_seconds: float) -> None:
        """Log live numbers. May raise what its channel raises."""

    @abstractmethod
    def tell(self, conclusion: Conclusion) -> None:
        """Tell KPIs, words, table, report and files. May raise what its channel raises."""

    @abstractmethod
    def close(self) -> None:
        """End what :meth:`open` began; what was there before goes on."""

    def earlier(self, run: Run, document: bytes) -> Sequence[bytes]:
        """Run files of what was told of the same tracked run before, where it was resumed. May raise.

        None, unless a tracker keeps them where they can be read again.
        """
        return ()

    def show(self, run: Run) -> None:
        """Log the run as it stands; the first time the tracker is opened."""
        self._open(run)
        self.log(live_numbers(run, self.facts(run) if self.facts is not None else None), run.duration_seconds)

    def conclude(self, run: Run, document: bytes) -> str | None:
        """Tell what the run came to, and close; says what went wrong, if anything."""
        if self._thread is not None and self._thread.is_alive():
            return f"{self.name}: still busy, so what the run came to was not told"
        failed: list[str] = []

        def work() -> None:
            try:
                self._open(run)
                if self.conclusion is not None:
                    self.tell(self.conclusion(run, document, self.earlier(run, document)))
            except Exception as error:  # noqa: BLE001 - libraries of other people are behind it, the host goes on
                failed.append(f"{type(error).__name__}: {error}")
            try:
                if self._opened:
                    self.close()
            except Exception as error:  # noqa: BLE001 - as above
                failed.append(f"{type(error).__name__}: {error}")

        thread = threading.Thread(target=work, name=f"wattmark-{self.name}-end", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # no more threads allowed
            return f"{self.name}: {error}"
        thread.join(self.wait_seconds)
        if thread.is_alive():
            failed.append(f"did not take what the run came to within {self.wait_seconds:g} s")
        return f"{self.name}: {without_secrets('; '.join(failed))}" if failed else None

    def publish(self, conclusion: Conclusion) -> None:
        """Tell of runs that are over, in the caller's thread. Raises what its channel raises."""
        self.open(conclusion.title, {**conclusion.tags, "record_id": ", ".join(conclusion.record_ids)})
        try:
            self.tell(conclusion)
        finally:
            self.close()

    def _open(self, run: Run) -> None:
        if self._opened:
            return
        if self._tries >= OPEN_TRIES or (self._tries and self._ended.is_set()):
            raise NotOpened(self._refused)
        self._tries += 1
        try:
            self.open(title_of(run), tags_of_run(run))
        except Exception as error:
            self._refused = f"{type(error).__name__}: {error}"
            raise
        self._opened = True


def title_of(run: Run) -> str:
    """What a tracked run is called: model, version and stage where they are stated, and the record's id."""
    subject = run.subject
    said = [word for word in (subject.model, subject.model_version, subject.stage) if word]
    return " ".join([*(said or ["run"]), run.record_id[:8]])


def tags_of_run(run: Run) -> dict[str, str]:
    """The unified tags that are stated, and which record it is."""
    from wattmark.core.governance.scope import tags_of

    return {**tags_of(run.subject), "record_id": run.record_id}
