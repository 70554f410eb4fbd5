"""Trains a forest that reads handwritten digits and says how well it reads.

    wattmark measure -- python train.py --trees 100

Where MLFLOW_TRACKING_URI is set the training is a run there, with its parameters, its accuracy and, by one
line, its energy. Run without wattmark or MLflow it works just the same.
"""

from __future__ import annotations

import argparse
import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import joblib
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

import wattmark


def main() -> None:
    """Train, test, keep."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trees", type=int, default=100, help="more of them use more energy")
    parser.add_argument("--passes", type=int, default=3, help="how often to train, as a search would")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model-version", default="dev", help="what MLflow calls it")
    parser.add_argument("--out", type=Path, default=Path("build"), help="folder that the model goes to")
    asked = parser.parse_args()

    images, labels = load_digits(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(
        images, labels, test_size=450, random_state=0, stratify=labels
    )
    with tracked(vars(asked)) as tracker:
        with wattmark.track("fit", stage="training"):
            for again in range(asked.passes):
                model = RandomForestClassifier(asked.trees, random_state=asked.seed + again, n_jobs=1)
                model.fit(train_x, train_y)
        accuracy = float(model.score(test_x, test_y))
        if tracker is not None:
            tracker.log_metric("accuracy", accuracy)
    if wattmark.measured():
        wattmark.log(work={"samples": asked.passes * len(train_x)}, quality={"accuracy": accuracy})
    asked.out.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, asked.out / "model.joblib")
    print(f"{asked.trees} trees read {accuracy:.1%} of {len(test_x)} digits right")


def tracked(parameters: dict[str, Any]) -> AbstractContextManager[Any]:
    """A run of MLflow with these parameters, where a server is named; gives the module, else None."""
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        return nullcontext()
    import mlflow

    from wattmark.integrations.mlflow import autolog

    autolog()  # the one line that it takes
    mlflow.set_experiment("digits")
    return Tracked(mlflow, parameters)


class Tracked(AbstractContextManager[Any]):
    """One run of MLflow."""

    def __init__(self, mlflow: Any, parameters: dict[str, Any]) -> None:
        self._mlflow, self._parameters = mlflow, parameters

    def __enter__(self) -> Any:
        self._mlflow.start_run()
        self._mlflow.log_params({name: str(value) for name, value in self._parameters.items()})
        return self._mlflow

    def __exit__(self, *failure: object) -> None:
        self._mlflow.end_run("FAILED" if failure[0] else "FINISHED")


if __name__ == "__main__":
    main()
