"""KServe's Python server with a model that doubles: ``serve_kserve.py FOLDER PORT``. In its environment."""

import sys
from typing import Any

import kserve


class Doubling(kserve.Model):
    """Twice what it is asked; below 0 it fails."""

    def __init__(self) -> None:
        super().__init__("tiny")
        self.ready = True

    def predict(self, payload: dict[str, Any], headers: Any = None, **more: Any) -> dict[str, Any]:
        """As KServe asks."""
        if any(x < 0 for x in payload["instances"]):
            raise ValueError("below 0")
        return {"predictions": [2 * x for x in payload["instances"]]}


if __name__ == "__main__":
    kserve.ModelServer(http_port=int(sys.argv[2]), enable_grpc=False, workers=1).start([Doubling()])
