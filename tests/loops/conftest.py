"""What tests of the loops share."""

from collections.abc import Iterator

import pytest

from iqa_lab import loops


@pytest.fixture
def anew() -> Iterator[None]:
    """Whether loops can be compiled is not known yet, and nothing was said; afterwards neither."""
    for forget in (loops._compiled_module.cache_clear, loops._said.cache_clear):
        forget()
    yield
    for forget in (loops._compiled_module.cache_clear, loops._said.cache_clear):
        forget()
