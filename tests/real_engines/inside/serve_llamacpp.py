"""The server of llama.cpp with a tiny model: ``serve_llamacpp.py FOLDER PORT``. Runs in its environment."""

import os
import sys
import threading
from pathlib import Path

import tiny_gguf
import xllamacpp


def main(folder: str, port: str) -> None:
    """Serves until it is killed."""
    model = Path(folder) / "tiny.gguf"
    if not model.exists():
        tiny_gguf.write(str(model))
    settings = xllamacpp.CommonParams()
    settings.model.path = str(model)
    settings.model_alias = {"tiny"}
    settings.hostnames = ["127.0.0.1"]
    settings.port = int(port)
    settings.endpoint_metrics = True
    settings.n_parallel = 4
    settings.n_ctx = 8192
    settings.warmup = False
    server = xllamacpp.Server(settings)
    print(server.listening_address, flush=True)  # noqa: T201 - the log says where
    threading.Event().wait(float(os.environ.get("SECONDS_AT_MOST", "600")))


if __name__ == "__main__":
    main(*sys.argv[1:3])
