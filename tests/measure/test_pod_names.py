"""Names from the kubelet's log folders."""

from __future__ import annotations

from pathlib import Path

from wattmark.core.serving.cgroup_path import NO_NAMES, PodName
from wattmark.measure.pod_names import folder_names

ID = "0123456789abcdef" * 4
UID = "ea8b9161-bee3-4bf6-a4e3-65fe256e3771"


def test_folders_alone_give_names(tmp_path: Path) -> None:
    """No server is asked."""
    (tmp_path / "pods" / f"serving_llama-0_{UID}").mkdir(parents=True)
    (tmp_path / "containers").mkdir()
    (tmp_path / "containers" / f"llama-0_serving_engine-{ID}.log").touch()
    names = folder_names(tmp_path)
    assert names.pods == {UID: PodName("serving", "llama-0")}
    assert names.containers == {ID: "engine"}
    assert folder_names(tmp_path / "nowhere") == NO_NAMES
