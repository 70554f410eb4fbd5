"""Who asks an MLflow server, as MLflow's own variables and file of credentials say. Apart, because every
layer may ask one.
"""

from __future__ import annotations

import configparser
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from wattmark.core.errors import UsageError, without_secrets
from wattmark.userhome import home_of_user

TOKEN = "MLFLOW_TRACKING_TOKEN"
USER = "MLFLOW_TRACKING_USERNAME"
PASSWORD = "MLFLOW_TRACKING_PASSWORD"


def without_account(uri: str) -> tuple[str, str]:
    """An address without the account that stands in it, and the account. Raises UsageError."""
    try:
        parts = urlsplit(uri.rstrip("/"))
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        place = host if parts.port is None else f"{host}:{parts.port}"
    except ValueError:
        raise UsageError(f"{without_secrets(uri)!r:.200} is no address of MLflow") from None
    account = "" if parts.username is None else f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return urlunsplit((parts.scheme, place, parts.path, "", "")), account


def authorization(account: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The header that says who asks: the account of the address, else name and password, else the token."""
    if account:
        return {"Authorization": f"Basic {b64encode(account.encode()).decode()}"}
    kept = _kept_account(environ)
    user, password = environ.get(USER) or kept[0], environ.get(PASSWORD) or kept[1]
    if user and password:
        return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}
    token = environ.get(TOKEN)
    return {"Authorization": f"Bearer {token}"} if token else {}


def _kept_account(environ: Mapping[str, str]) -> tuple[str, str]:
    """Name and password of ``~/.mlflow/credentials``; empty where there is none that can be read."""
    folder = Path(home) if (home := environ.get("HOME")) else home_of_user()
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(folder / ".mlflow" / "credentials", encoding="utf-8")
        found = parser["mlflow"]
    except (configparser.Error, KeyError, OSError, UnicodeDecodeError):
        return "", ""
    return found.get(USER.lower(), ""), found.get(PASSWORD.lower(), "")
