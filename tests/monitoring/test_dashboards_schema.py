"""The dashboards against the types that Grafana itself is made with, by the TypeScript compiler."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from wattmark.monitoring.dashboards.catalog import boards, shipped

SCHEMA, COMPILER = "@grafana/schema@13.2.3", "typescript@5.9.3"
INSTALL_SECONDS = 240

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(shutil.which("npm") is None, reason="no npm here"),
]


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with Grafana's types and a compiler; skipped where npm gets none."""
    folder = tmp_path_factory.mktemp("schema")
    (folder / "package.json").write_text("{}")
    command = ["npm", "install", "--silent", "--no-fund", "--no-audit", SCHEMA, COMPILER]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not install {SCHEMA} within {INSTALL_SECONDS} s")
    if done.returncode != 0:
        pytest.skip(f"npm installs no {SCHEMA} here: {done.stderr[-200:]}")
    return folder


def compiled(workshop: Path, loaded: Any) -> subprocess.CompletedProcess[str]:
    """Compile a program that takes the dashboard for one of Grafana's type."""
    text = json.dumps(loaded, indent=1)
    listed = loaded["annotations"].get("list", [])
    marks = json.dumps(listed) if listed else "[] as Loose<AnnotationQuery>[]"
    (workshop / "board.ts").write_text(
        "import type { Dashboard, Panel, RowPanel, VariableModel, AnnotationQuery } from '@grafana/schema';\n"
        "type Loose<T> = T extends string ? string : T extends (infer U)[] ? Loose<U>[]\n"
        "  : T extends object ? { [K in keyof T]?: Loose<T[K]> } : T;\n"
        f"const board = {text};\n"
        "const whole: Loose<Omit<Dashboard, 'panels' | 'templating' | 'annotations'>> = board;\n"
        "const panels: (Loose<Panel> | Loose<RowPanel>)[] = board.panels;\n"
        "const variables: Loose<VariableModel>[] = board.templating.list;\n"
        # Fields that are the data source's own (expr, titleFormat) are in no type of the schema.
        f"const events = {marks};\n"
        "const marks: Loose<AnnotationQuery>[] = events;\n"
        "export { whole, panels, variables, marks };\n"
    )
    return subprocess.run(
        ["npx", "tsc", "--noEmit", "--strict", "--skipLibCheck", "--moduleResolution", "bundler",
         "--module", "esnext", "--target", "es2022", "board.ts"],
        cwd=workshop, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("name", boards())
def test_a_dashboard_fits_grafanas_own_types(workshop: Path, name: str) -> None:
    """Every field that Grafana knows has the type that it wants."""
    done = compiled(workshop, json.loads(shipped(name)))
    assert done.returncode == 0, done.stdout[-3000:]


def test_a_dashboard_with_a_field_of_another_type_does_not_fit(workshop: Path) -> None:
    """The check can fail."""
    wrong = json.loads(shipped("wattmark-nodes.json"))
    wrong["panels"][1]["gridPos"]["w"] = "wide"
    assert compiled(workshop, wrong).returncode != 0
