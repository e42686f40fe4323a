"""Notebooks run one after the other by one kernel, which imports torch and drawing once; each begins with no names."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from jupyter_client import KernelManager
from nbclient import NotebookClient

# what a notebook chooses of altair is its own, too
BEGINNING = """%reset -f
import os, sys
if "altair" in sys.modules:
    sys.modules["altair"].renderers.enable("default")
os.chdir({folder!r})
del os, sys"""


@contextmanager
def kernel(folder: Path, **environment: str) -> Iterator[KernelManager]:
    """A kernel that starts in this folder, with these environment variables beside those of this process."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(folder), env=os.environ | environment)
    try:
        yield manager
    finally:
        manager.shutdown_kernel(now=True)


def run(notebook: nbformat.NotebookNode, folder: Path, manager: KernelManager) -> list[nbformat.NotebookNode]:
    """The outputs of a notebook's cells, run in an empty folder; its first error is raised."""
    whole = notebook.copy()
    whole.cells = [nbformat.v4.new_code_cell(BEGINNING.format(folder=str(folder))), *notebook.cells]
    NotebookClient(whole, km=manager, timeout=600).execute()
    return [output for cell in whole.cells for output in cell.get("outputs", [])]
