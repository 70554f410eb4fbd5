"""Trains and uses a small classifier on real data: 1,797 scanned digits that scikit-learn brings along.

Run it under wattmark, and it says by itself what it did::

    wattmark measure --outcome 'accuracy>=0.95' -- python examples/train_digits.py
    wattmark measure --outcome 'accuracy>=0.95' -- python examples/train_digits.py --hidden 96

Run without wattmark it works just the same.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

import wattmark


def main() -> None:
    """Train, evaluate, predict many times, and write metrics.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hidden", type=int, nargs="+", default=[512, 256], help="sizes of hidden layers")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--passes", type=int, default=1500, help="how often the 450 test digits are read")
    parser.add_argument("--metrics", type=Path, default=None, help="write the accuracy to this JSON file")
    options = parser.parse_args()

    images, labels = load_digits(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(
        images / 16, labels, test_size=450, random_state=0, stratify=labels
    )
    model = MLPClassifier(tuple(options.hidden), max_iter=options.epochs, random_state=0)

    with wattmark.track("fit", stage="training"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is what we ask for
        model.fit(train_x, train_y)

    with wattmark.track("read digits", stage="inference"):
        for _ in range(options.passes):
            model.predict(test_x)
        accuracy = float(model.score(test_x, test_y))

    if wattmark.measured():
        wattmark.log(work={"inferences": options.passes * len(test_x)}, quality={"accuracy": accuracy})
    if options.metrics:
        options.metrics.write_text(json.dumps({"accuracy": accuracy}))
    print(f"accuracy {accuracy:.3f} with hidden layers {options.hidden}")


if __name__ == "__main__":
    with threadpool_limits(1):  # matrices this small are slower on many threads, and waiting burns energy
        main()
