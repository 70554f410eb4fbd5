"""Two classifiers trained and used on real digits, measured as anyone would.

The data are the 1,797 scanned digits that scikit-learn ships (UCI Optical Recognition of Handwritten
Digits, test set), so that nothing is fetched.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wattmark.core.errors import MissingExtra
from wattmark.core.run import Run
from wattmark.live import track

TEST_DIGITS = 450
OUTCOME = "accuracy>=0.95"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One model of the demonstration."""

    name: str
    hidden: tuple[int, ...]
    what: str


BASELINE = Contender(name="digits-wide", hidden=(256, 128), what="two wide hidden layers")
LEANER = Contender(name="digits-lean", hidden=(96,), what="one narrow hidden layer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How much work one run does; the same for both models."""

    epochs: int = 120
    passes: int = 10000

    @property
    def inferences(self) -> int:
        """Digits read per run."""
        return self.passes * TEST_DIGITS


def measure_in_turns(
    contenders: Mapping[str, Contender], load: Load, repeats: int, out: Path, tell: Callable[[str], None]
) -> dict[str, list[Run]]:
    """Train and use each model ``repeats`` times, each time in a run of its own. Raises MissingExtra.

    The models take turns, so that what else the machine does falls on both. The run files go to a folder of
    ``out`` per key.
    """
    learn = _scikit_learn()
    found: dict[str, list[Run]] = {key: [] for key in contenders}
    for number in range(1, repeats + 1):
        for key, contender in contenders.items():
            tell(f"{contender.name}: {contender.what}, run {number} of {repeats}")
            found[key].append(_one_run(contender, load, number, out / key, learn))
    return found


def _one_run(contender: Contender, load: Load, seed: int, out: Path, learn: _Learn) -> Run:
    with (
        learn.one_thread(1),
        track(
            contender.name,
            out=out,
            model=contender.name,
            task="image-classification",
            workload_class="classical",
            project="wattmark-demo",
            solution=f"{contender.name}-{seed}",
            outcome=OUTCOME,
            labels={"block": str(seed)},
        ) as run,
    ):
        with run.window("load digits", stage="data_preparation"):
            train_x, test_x, train_y, test_y = learn.digits(seed)
        model = learn.classifier(contender.hidden, max_iter=load.epochs, random_state=seed)
        with run.window("fit", stage="training"), warnings.catch_warnings():
            warnings.simplefilter("ignore", learn.not_converged)  # the number of epochs is what we ask for
            model.fit(train_x, train_y)
        with run.window("accuracy", stage="evaluation"):
            accuracy = float(model.score(test_x, test_y))
        with run.window("read digits", stage="inference"):
            for _ in range(load.passes):
                model.predict(test_x)
        run.log(work={"inferences": load.inferences}, quality={"accuracy": accuracy}, dataset=learn.file)
    return run.run


@dataclass(frozen=True, slots=True)
class _Learn:
    """What is used of scikit-learn, imported before anything is measured."""

    digits: Callable[[int], Any]
    classifier: Callable[..., Any]
    one_thread: Callable[[int], Any]
    not_converged: type[Warning]
    file: Path


def _scikit_learn() -> _Learn:
    try:
        import sklearn
        from sklearn.datasets import load_digits
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.model_selection import train_test_split
        from sklearn.neural_network import MLPClassifier
        from threadpoolctl import threadpool_limits
    except ImportError:
        raise MissingExtra("demo", "demo") from None

    def digits(seed: int) -> Any:
        images, labels = load_digits(return_X_y=True)
        return train_test_split(
            images / 16, labels, test_size=TEST_DIGITS, random_state=seed, stratify=labels
        )

    file = Path(sklearn.__file__).parent / "datasets" / "data" / "digits.csv.gz"
    return _Learn(digits, MLPClassifier, threadpool_limits, ConvergenceWarning, file)
