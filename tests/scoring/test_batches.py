"""Batches that are put together while the ones before are computed are the same batches."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from iqa_lab.scoring.batches import Batch, Picture, batches, one_ahead


def some(number: int, fails_after: int | None = None) -> Iterator[Picture]:
    for place in range(number):
        if place == fails_after:
            raise ValueError("broken")
        pixels = np.full((4, 5, 3), place, np.uint8)
        yield Picture(str(place), pixels, None, "0", None if place == 0 else place, place != 3)


def test_the_same_batches_in_their_order() -> None:
    expected = list(batches(some(11), 4))
    found = list(one_ahead(batch.pinned() for batch in batches(some(11), 4)))
    assert [batch.rows for batch in found] == [batch.rows for batch in expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.images is not None
        assert theirs.images is not None
        assert ours.images is ours.images  # stacked once
        assert ours.images.is_pinned() == torch.cuda.is_available()
        torch.testing.assert_close(ours.images, theirs.images, rtol=0, atol=0)


def test_an_error_comes_after_the_batches_before_it() -> None:
    coming = one_ahead(batches(some(11, fails_after=9), 4))
    assert [len(next(coming).pictures) for _ in range(2)] == [4, 4]
    with pytest.raises(ValueError, match="broken"):
        next(coming)


def test_one_batch_more_is_made_and_none_after_that() -> None:
    made = []

    def noting() -> Iterator[Batch]:
        for batch in batches(some(40), 4):
            made.append(batch)
            yield batch

    coming = one_ahead(noting())
    next(coming)
    coming.close()
    assert len(made) == 2
