"""Anchors by name; those in a registry come from a real MLflow server."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from wattmark.core.errors import UsageError
from wattmark.core.governance.chain import Anchor
from wattmark.wiring.anchoring import anchors_named, git_anchors

HASH = "23" * 32


def test_words_are_anchors(tmp_path: Path) -> None:
    """SEQ:HASH, or the hash alone."""
    assert [(a.seq, a.hash) for a in anchors_named([f"41:{HASH}", HASH], tmp_path)] == [
        (41, HASH),
        (None, HASH),
    ]


def test_a_registry_that_nobody_named_is_an_error(tmp_path: Path) -> None:
    """It says which variable to set."""
    with pytest.raises(UsageError, match="MLFLOW_TRACKING_URI"):
        anchors_named(["mlflow:sorter/1"], tmp_path, {})


def test_tags_need_a_repository(tmp_path: Path) -> None:
    """With git's own words."""
    with pytest.raises(UsageError, match="not a git repository"):
        git_anchors("*", tmp_path)


@pytest.mark.slow
def test_a_version_in_a_registry_is_an_anchor(mlflow_url: str, tmp_path: Path) -> None:
    """By the tags that are written when its gate is logged there."""

    def ask(what: str, **body: str) -> None:
        request = Request(
            f"{mlflow_url}/api/2.0/mlflow/{what}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urlopen(request, timeout=60) as answer:
            assert answer.status == 200

    environ = {"MLFLOW_TRACKING_URI": mlflow_url}
    ask("registered-models/create", name="anchored")
    ask("model-versions/create", name="anchored", source="s3://models/anchored")
    with pytest.raises(UsageError, match=r"has no tag wattmark\.audit_head"):
        anchors_named(["mlflow:anchored/1"], tmp_path, environ)
    ask("model-versions/set-tag", name="anchored", version="1", key="wattmark.audit_head", value=HASH)
    ask("model-versions/set-tag", name="anchored", version="1", key="wattmark.audit_seq", value="41")
    assert anchors_named(["mlflow:anchored/1"], tmp_path, environ) == [
        Anchor(hash=HASH, seq=41, source="mlflow:anchored/1")
    ]
