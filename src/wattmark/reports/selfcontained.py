"""What every HTML page of ours shares: templates, styles and scripts in one file that loads nothing."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

HERE = Path(__file__).parent


def template(name: str) -> jinja2.Template:
    """A page's template: everything is escaped, and a name that is not known is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["ticks"] = ticks
    environment.filters["sentence"] = lambda text: f"{text[:1].upper()}{text[1:]}"
    return environment.get_template(name)


def styles(*names: str) -> Markup:
    """Style sheets by their files below ``reports/``, one after the other."""
    return Markup("\n".join(_shipped(name) for name in names))


def scripts(*names: str) -> dict[str, Markup | str]:
    """``script``, from files below ``reports/``, and ``script_hash``, which pins it in the page's policy."""
    script = "\n".join(_shipped(name) for name in names)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return {"script": Markup(script), "script_hash": f"sha256-{digest}"}


def ticks(text: str) -> Markup:
    """Text with `what is between backticks` set as code; everything is escaped."""
    parts = [escape(part) for part in text.split("`")]
    if len(parts) % 2 == 0:  # a lonely backtick is a character like any other
        return escape(text)
    return Markup("").join(Markup("<code>{}</code>").format(p) if i % 2 else p for i, p in enumerate(parts))


def _shipped(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
