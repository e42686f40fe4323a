"""A page's own scripts and styles -> the policy by which a browser runs these and nothing else."""

import base64
import hashlib
from collections.abc import Sequence


def policy(scripts: Sequence[str], styles: Sequence[str]) -> str:
    """The Content-Security-Policy of a page that needs nothing from anywhere.

    A browser then runs these scripts and styles only: no other script in the page, no attribute such as ``onclick`` or
    ``style``, no text as code. It asks no server for anything; images are data in the page.

    Args:
        scripts: the exact texts between ``<script>`` and ``</script>``.
        styles: the exact texts between ``<style>`` and ``</style>``.
    """
    rules = {
        "default-src": "'none'",
        "script-src": " ".join(map(_digest, scripts)) or "'none'",
        "style-src": " ".join(map(_digest, styles)) or "'none'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {allowed}" for name, allowed in rules.items())


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
