"""A real Spark of several worker processes, where Java and PySpark are there."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

MEMORY_MB = 1024


@contextmanager
def spark(master: str) -> Iterator[Any]:
    """A session; the test is skipped, with the reason, where none can be."""
    found = importlib.util.find_spec("pyspark")
    if found is None or found.origin is None:
        pytest.skip("PySpark is not installed")
    if shutil.which("java") is None:
        pytest.skip("Java is not installed, and Spark runs on it")
    # The workers of a local cluster are started from here, and must find the driver by its address.
    needed = {"SPARK_HOME": str(Path(found.origin).parent), "SPARK_LOCAL_IP": "127.0.0.1"}
    before = {name: os.environ.get(name) for name in needed}
    os.environ.update(needed)
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master(master)
        .appName("wattmark-tests")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.executor.memory", f"{MEMORY_MB}m")
        .getOrCreate()
    )
    try:
        yield session
    finally:
        session.stop()
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
