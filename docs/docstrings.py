"""How docstrings are shown in the site: their examples as code, where Markdown would take ``>>>`` for quotations."""

import re
from typing import Any

from griffe import Extension, Object

EXAMPLE = re.compile(r"(?:^[ \t]*>>> .*\n(?:^[ \t]*\S.*\n?)*)+", re.MULTILINE)


class Examples(Extension):  # type: ignore[misc]
    """Puts every doctest into a block of code."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """One class, function or module: its docstring is changed in place."""
        if obj.docstring:
            text = f"{obj.docstring.value}\n"
            obj.docstring.value = EXAMPLE.sub(lambda found: f"```pycon\n{found[0].rstrip()}\n```\n", text).rstrip()
