"""Kubernetes manifests, from the templates that are shipped."""

from __future__ import annotations

import re
from importlib import resources
from string import Template

from wattmark.core.errors import UsageError

FILES = ("agent.yaml", "autoscaler.yaml", "hpa.yaml", "keda.yaml")
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,254}")


def manifests_of(*, image: str, namespace: str) -> list[tuple[str, str]]:
    """Name and text of each file. Raises UsageError for what is no image or namespace (RFC 1123 label)."""
    if _NAMESPACE.fullmatch(namespace) is None:
        raise UsageError(f"--namespace {namespace!r}: lower-case letters, digits and '-', 63 at most")
    if _IMAGE.fullmatch(image) is None:
        raise UsageError(f"--image {image!r} is no name of an image")
    folder = resources.files("wattmark") / "data" / "kubernetes"
    return [
        (
            name,
            Template((folder / name).read_text(encoding="utf-8")).substitute(
                image=image, namespace=namespace
            ),
        )
        for name in FILES
    ]
