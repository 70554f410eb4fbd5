"""MLServer with a model that doubles: ``serve_mlserver.py FOLDER PORT METRICS_PORT GRPC_PORT``."""

import json
import os
import sys
from pathlib import Path

MODEL = """
from mlserver import MLModel
from mlserver.codecs import NumpyCodec


class Doubling(MLModel):
    async def load(self):
        return True

    async def predict(self, payload):
        x = NumpyCodec.decode_input(payload.inputs[0])
        if (x < 0).any():
            raise ValueError("below 0")
        from mlserver.types import InferenceResponse

        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("y", x * 2)])
"""


def main(folder: str, port: str, metrics_port: str, grpc_port: str) -> None:
    """Becomes the server."""
    home = Path(folder) / "mlserver"
    home.mkdir(parents=True, exist_ok=True)
    (home / "doubling.py").write_text(MODEL)
    server = {
        "host": "127.0.0.1",
        "http_port": int(port),
        "grpc_port": int(grpc_port),
        "metrics_port": int(metrics_port),
        "parallel_workers": 0,
        "metrics_dir": str(home / "metrics"),
    }
    (home / "metrics").mkdir(exist_ok=True)
    (home / "settings.json").write_text(json.dumps(server))
    model = {"name": "tiny", "implementation": "doubling.Doubling"}
    (home / "model-settings.json").write_text(json.dumps(model))
    os.chdir(home)
    program = str(Path(sys.executable).with_name("mlserver"))
    os.execve(program, [program, "start", str(home)], os.environ | {"PYTHONPATH": str(home)})


if __name__ == "__main__":
    main(*sys.argv[1:5])
