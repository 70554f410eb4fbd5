"""vLLM on the CPU with a tiny model: ``serve_vllm.py FOLDER PORT``. Runs in its environment."""

import os
import sys
from pathlib import Path

SETTINGS = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "HF_HUB_OFFLINE": "1",
}


def main(folder: str, port: str) -> None:
    """Becomes the server."""
    model = Path(folder) / "tiny-llama"
    if not (model / "config.json").exists():
        import tiny_llama

        tiny_llama.write(str(model))
    vllm = str(Path(sys.executable).with_name("vllm"))
    told = ["--served-model-name", "tiny", "--host", "127.0.0.1", "--port", port, "--dtype", "float32"]
    small = ["--max-model-len", "256", "--max-num-seqs", "8", "--enforce-eager", "--enable-mfu-metrics"]
    caching = ["--enable-prefix-caching"] if os.environ.get("PREFIX_CACHING") else []
    os.execvpe(vllm, [vllm, "serve", str(model), *told, *small, *caching], os.environ | SETTINGS)


if __name__ == "__main__":
    main(*sys.argv[1:3])
