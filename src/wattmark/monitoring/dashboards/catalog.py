"""Every dashboard, and where its JSON lies in the package."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

from wattmark.monitoring.dashboards import agents, carbon, idle, models, nodes
from wattmark.monitoring.dashboards.board import Board

FOLDER = "data/dashboards"


def boards() -> Mapping[str, Board]:
    """File name -> dashboard, in the order in which people should look at them."""
    every = (nodes.board(), models.board(), idle.board(), carbon.board(), agents.board())
    return {f"{board.uid}.json": board for board in every}


def shipped(name: str) -> str:
    """The JSON of a dashboard as it came with the package."""
    return (resources.files("wattmark") / FOLDER / name).read_text(encoding="utf-8")
