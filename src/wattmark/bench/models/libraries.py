"""The libraries that bring models, as whole modules: imported when they are needed, told of when absent."""

from __future__ import annotations

import importlib
from typing import Any

from wattmark.core.errors import MissingExtra


def transformers_library() -> Any:
    """``transformers``, without its own progress bars and hints. Raises MissingExtra where it is absent."""
    library = _imported("transformers")
    library.logging.set_verbosity_error()
    library.logging.disable_progress_bar()
    return library


def diffusers_library() -> Any:
    """``diffusers``, without its own progress bars and hints. Raises MissingExtra where it is absent."""
    library = _imported("diffusers")
    library.logging.set_verbosity_error()
    library.logging.disable_progress_bar()
    return library


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        if error.name is not None and error.name.partition(".")[0] not in (name, "torch"):
            raise
        raise MissingExtra("local models", "bench") from None
