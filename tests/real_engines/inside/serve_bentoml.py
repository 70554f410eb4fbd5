"""BentoML with a service that doubles: ``serve_bentoml.py FOLDER PORT``. Runs in its environment."""

import os
import sys
from pathlib import Path

SERVICE = """
import bentoml


@bentoml.service(name="tiny")
class Doubling:
    @bentoml.api(route="/double")
    def double(self, x: float) -> float:
        if x < 0:
            raise ValueError("below 0")
        return 2 * x
"""


def main(folder: str, port: str) -> None:
    """Becomes the server."""
    home = Path(folder) / "bento"
    home.mkdir(parents=True, exist_ok=True)
    (home / "service.py").write_text(SERVICE)
    os.chdir(home)
    program = str(Path(sys.executable).with_name("bentoml"))
    told = ["serve", "service:Doubling", "--host", "127.0.0.1", "--port", port]
    settings = {"BENTOML_HOME": str(home / "home"), "BENTOML_DO_NOT_TRACK": "1"}
    os.execve(program, [program, *told], os.environ | settings)


if __name__ == "__main__":
    main(*sys.argv[1:3])
