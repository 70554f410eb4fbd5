"""The server of llama.cpp with a model of its own making.

    python -m wattmark.demo.engine FOLDER PORT WIDTH LAYERS

The package ``xllamacpp`` (MIT) is llama.cpp as a library, its HTTP server included.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

from wattmark.demo.tiny_gguf import write

MODEL = "tiny"
SLOTS = 4
"""Requests that are worked on at a time."""


def serve(folder: Path, port: int, width: int, layers: int) -> None:
    """Serve a model of this size until the process is ended, or its parent is gone."""
    import xllamacpp

    model = folder / "tiny.gguf"
    if not model.exists():
        write(str(model), width, layers)
    settings = xllamacpp.CommonParams()
    settings.model.path = str(model)
    settings.model_alias = {MODEL}
    settings.hostnames = ["127.0.0.1"]
    settings.port = port
    settings.endpoint_metrics = True
    settings.n_parallel = SLOTS
    settings.n_ctx = 8192
    settings.warmup = False
    settings.cpuparams.n_threads = max(1, (os.cpu_count() or 1) - 1)
    server = xllamacpp.Server(settings)
    print(server.listening_address, flush=True)  # noqa: T201 - who started it reads where it listens
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    parent = os.getppid()
    while not ended.wait(1.0) and os.getppid() == parent:
        pass
    os._exit(0)  # the library's own threads would keep the process


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
