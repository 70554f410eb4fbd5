"""LitServe with a service that doubles: ``serve_litserve.py FOLDER PORT``. Runs in its environment."""

import sys
from typing import Any

import litserve


class Doubling(litserve.LitAPI):
    """Twice what it is asked."""

    def setup(self, device: str) -> None:
        """Nothing to prepare."""

    def predict(self, request: dict[str, Any]) -> dict[str, float]:
        """As LitServe asks."""
        return {"y": 2 * float(request["x"])}


if __name__ == "__main__":
    server = litserve.LitServer(Doubling(), accelerator="cpu")
    server.run(port=int(sys.argv[2]), host="127.0.0.1", generate_client_file=False)
