"""A real MLflow server, one for all tests of a session: it takes seconds to start."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.fakes.ports import free_port

START_SECONDS = 120


def installed() -> Path | None:
    """The interpreter that has MLflow's server; None where nobody installed it."""
    spec = importlib.util.spec_from_file_location(
        "install_engines", Path(__file__).parent.parent / "scripts" / "install_engines.py"
    )
    assert spec is not None
    assert spec.loader is not None
    scripts = importlib.util.module_from_spec(spec)
    sys.modules["install_engines"] = scripts
    spec.loader.exec_module(scripts)
    found: Path | None = scripts.python_of("mlflow")
    return found


@contextmanager
def serving_mlflow(folder: Path, python: Path) -> Iterator[str]:
    """A server with its database and artifacts in a folder; gives its address."""
    port = free_port()
    log = folder / "server.log"
    command = [
        str(python.parent / "mlflow"), "server",
        "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}",
        "--artifacts-destination", str(folder / "artifacts"),
        "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
    ]  # fmt: skip
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "WATTMARK_"))}
    # Without it there are ten processes and 2.5 GB.
    environment = {**kept, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "DO_NOT_TRACK": "true"}
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, env=environment, cwd=folder, start_new_session=True
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(url, process, log)
        yield url
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until it answers; fails with the end of its log where it does not."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError), urlopen(f"{url}/health", timeout=2) as answer:
            if answer.status == 200:
                return
        time.sleep(0.2)
    pytest.fail(f"MLflow's server did not start: {log.read_text()[-2000:]}")


@pytest.fixture(scope="session")
def mlflow_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real MLflow server; skips where none is installed."""
    python = installed()
    if python is None:
        pytest.skip("no MLflow server is installed: python scripts/install_engines.py mlflow")
    with serving_mlflow(tmp_path_factory.mktemp("mlflow"), python) as url:
        yield url
