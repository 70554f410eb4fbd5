"""Ray Serve with a deployment that doubles: ``serve_ray.py FOLDER PORT METRICS_PORT``."""

import os
import sys
import threading
from typing import Any

os.environ |= {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}

import ray
from ray import serve


@serve.deployment(name="tiny")
class Doubling:
    """Twice what it is asked; below 0 it fails."""

    async def __call__(self, request: Any) -> dict[str, float]:
        """As Ray Serve asks."""
        x = float((await request.json())["x"])
        if x < 0:
            raise ValueError("below 0")
        return {"y": 2 * x}


def main(folder: str, port: str, metrics_port: str) -> None:
    """Serves until it is killed."""
    ray.init(
        num_cpus=2,
        _metrics_export_port=int(metrics_port),
        include_dashboard=False,
        _node_ip_address="127.0.0.1",
    )
    serve.start(http_options={"host": "127.0.0.1", "port": int(port)})
    serve.run(Doubling.bind(), name="tiny", route_prefix="/double")
    threading.Event().wait(600)


if __name__ == "__main__":
    main(*sys.argv[1:4])
