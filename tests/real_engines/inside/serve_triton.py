"""Triton with a model that doubles: ``serve_triton.py FOLDER PORT METRICS_PORT GRPC_PORT``."""

import os
import sys
import threading
from pathlib import Path

import numpy as np
from pytriton.decorators import batch
from pytriton.model_config import ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig


@batch
def double(x: np.ndarray) -> dict[str, np.ndarray]:
    """Twice the input; below 0 it fails."""
    if (x < 0).any():
        raise ValueError("below 0")
    return {"y": x * 2}


def main(folder: str, port: str, metrics_port: str, grpc_port: str) -> None:
    """Serves until it is killed."""
    settings = TritonConfig(
        http_port=int(port),
        http_address="127.0.0.1",
        grpc_address="127.0.0.1",
        grpc_port=int(grpc_port),
        metrics_port=int(metrics_port),
        metrics_address="127.0.0.1",
        allow_gpu_metrics=False,
    )
    with Triton(config=settings, workspace=str(Path(folder) / f"triton-{os.getpid()}")) as triton:
        triton.bind(
            model_name="tiny",
            infer_func=double,
            inputs=[Tensor(name="x", dtype=np.float32, shape=(1,))],
            outputs=[Tensor(name="y", dtype=np.float32, shape=(1,))],
            config=ModelConfig(max_batch_size=8),
        )
        triton.run()
        threading.Event().wait(600)


if __name__ == "__main__":
    main(*sys.argv[1:5])
