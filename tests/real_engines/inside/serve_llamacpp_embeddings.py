"""The server of llama.cpp for embeddings, means over tokens: ``serve_llamacpp_embeddings.py FOLDER PORT``."""

import signal
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "src"))

from wattmark.demo.tiny_gguf import write


def main(folder: str, port: str) -> None:
    """Serves until it is ended."""
    import xllamacpp

    model = Path(folder) / "tiny.gguf"
    if not model.exists():
        write(str(model), 64, 2)
    settings = xllamacpp.CommonParams()
    settings.model.path = str(model)
    settings.model_alias = {"tiny"}
    settings.hostnames = ["127.0.0.1"]
    settings.port = int(port)
    settings.embedding = True
    settings.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    settings.n_ctx = 4096
    settings.n_parallel = 2
    settings.warmup = False
    settings.cpuparams.n_threads = 1
    server = xllamacpp.Server(settings)
    print(server.listening_address, flush=True)  # noqa: T201 - for the log
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    ended.wait()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
