#!/usr/bin/env python3
"""Sets everything up and runs it: ``python3 dev.py demo``, ``python3 dev.py test``, ``python3 dev.py check``.

Needs Python 3.11 or newer and nothing else. Everything is installed into ``.venv`` beside this file,
again only when pyproject.toml has changed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
USAGE = """usage: python3 dev.py COMMAND

  demo  [options]   set up, then run `wattmark demo`
  test  [options]   set up, then run the tests; --slow runs the slow ones too
  check             set up, then lint, types and import contracts
  shell-command ... set up, then run a command with the environment's programs first on the path
"""


def main(arguments: list[str]) -> int:
    """Run one command; gives its exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036 - the reader may have an older one
        print(f"wattmark needs Python 3.11 or newer; this is {sys.version.split()[0]}", file=sys.stderr)
        return 2
    name, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if name == "demo":
        # A real engine comes only with --serving, models with --bench: what the others do not need.
        wanted = ("serving", ".[demo,serving-demo]") if "--serving" in rest else ("demo", ".[demo]")
        wanted = ("bench", ".[demo,bench]") if "--bench" in rest else wanted
        set_up(wanted[0], [wanted[1]])
        return run(PYTHON, "-m", "wattmark", "demo", *rest)
    if name == "test":
        set_up_for_development()
        marker = [] if "--slow" in rest else ["-m", "not slow"]
        return run(PYTHON, "-m", "pytest", *marker, *(a for a in rest if a != "--slow"))
    if name == "check":
        set_up_for_development()
        return check()
    if name == "shell-command" and rest:
        set_up_for_development()
        return run(*rest)
    print(USAGE, file=sys.stderr)
    return 2


def check() -> int:
    """Lint, format, types and import contracts; runs all of them and fails if one does."""
    steps = (
        (BIN / "ruff", "check", "."),
        (BIN / "ruff", "format", "--check", "."),
        (BIN / "mypy",),
        (BIN / "lint-imports",),
    )
    failed = [Path(step[0]).name for step in steps if run(*step) != 0]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def set_up_for_development() -> None:
    """Install wattmark, editable, with everything its tests need."""
    set_up("dev", ["--group", "dev", "-e", "."])


def set_up(what: str, install: list[str]) -> None:
    """Make the environment if it is not there, and install when pyproject.toml has changed since.

    An environment for serving, benchmarks or development serves the demo too.
    """
    stamp = VENV / "wattmark-setup"
    digest = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    done = stamp.read_text() if stamp.exists() else ""
    enough = (what, "serving", "bench", "dev") if what == "demo" else (what,)
    if PYTHON.exists() and done in [f"{name} {digest}" for name in enough]:
        return
    print(f"setting up {VENV.name} (once) ...", file=sys.stderr, flush=True)
    installer = make_environment()
    if what != "dev":
        install = ["-e", *install]
    if subprocess.call([*installer, "install", "--quiet", *install], cwd=ROOT) != 0:
        sys.exit("the installation failed; the lines above say why")
    stamp.write_text(f"{what} {digest}")


def make_environment() -> list[str]:
    """Make the virtual environment and give the command that installs into it."""
    if not PYTHON.exists():
        try:
            venv.create(VENV, with_pip=True)
        except (subprocess.CalledProcessError, ImportError):
            shutil.rmtree(VENV, ignore_errors=True)  # Debian's Python comes without ensurepip
            return without_ensurepip()
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check"]
    # Dependency groups need pip 25.1; the one that comes with Python may be older.
    subprocess.call([*pip, "install", "--quiet", "--upgrade", "pip>=25.1"])
    return pip


def without_ensurepip() -> list[str]:
    """Install by uv or by the system's pip, where the system's Python cannot bring its own."""
    if shutil.which("uv"):
        subprocess.check_call(["uv", "venv", "--quiet", "--python", sys.executable, str(VENV)])
        return ["uv", "pip"]
    if subprocess.call([sys.executable, "-m", "pip", "--version"], stdout=subprocess.DEVNULL) == 0:
        venv.create(VENV, with_pip=False)
        own = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
        subprocess.check_call([*own, "install", "--quiet", "pip>=25.1"])
        return [str(PYTHON), "-m", "pip"]
    sys.exit(
        "this Python cannot make virtual environments: install its venv package first\n"
        "  Debian, Ubuntu:  sudo apt-get install python3-venv"
    )


def run(*command: str | Path) -> int:
    """Run a command in the project's folder with the environment's programs first on the path."""
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"}
    environment["VIRTUAL_ENV"] = str(VENV)
    return subprocess.call([str(part) for part in command], cwd=ROOT, env=environment)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
