"""Registers the newest finished training of a version in MLflow; prints its run and the number it was given.

python register.py --model-version 2.0
"""

from __future__ import annotations

import argparse

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

NAME = "digits"


def main() -> None:
    """Find the run, register it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model-version", required=True)
    asked = parser.parse_args()

    client = MlflowClient()
    experiment = client.get_experiment_by_name(NAME)
    if experiment is None:
        raise SystemExit(f"MLflow has no experiment {NAME!r}: train first")
    runs = client.search_runs(
        [experiment.experiment_id],
        f"attributes.status = 'FINISHED' and params.model_version = '{asked.model_version}'",
        order_by=["attributes.start_time DESC"],
        max_results=1,
    )
    if not runs:
        raise SystemExit(f"no training of {asked.model_version} has finished")
    try:
        client.create_registered_model(NAME)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    run = runs[0].info
    version = client.create_model_version(NAME, f"{run.artifact_uri}/model", run.run_id)
    print(run.run_id, version.version)


if __name__ == "__main__":
    main()
