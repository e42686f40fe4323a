"""A readout of one's own gives each pair its own distance, always the same, and leaves the responses as they are."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from iqa_lab.config import ReadoutConfig
from iqa_lab.errors import UserError
from iqa_lab.readouts import Distance, Response, load_distance

OWN: Callable[[Response], object] = lambda response: response.squared_difference  # noqa: E731


def distance(response: Response) -> object:
    return OWN(response)


def own(monkeypatch: pytest.MonkeyPatch, function: Callable[[Response], object]) -> Distance:
    monkeypatch.setitem(globals(), "OWN", function)
    return load_distance(ReadoutConfig(function=f"{__name__}.distance", formula=""))


def responses() -> Response:
    """Three pairs of two references."""
    torch.manual_seed(0)
    return Response(
        [torch.rand(1, 4, 5, 5), torch.rand(1, 4, 5, 5)], [torch.rand(2, 4, 5, 5), torch.rand(1, 4, 5, 5)], 100
    )


def fails(_response: Response) -> Tensor:
    raise KeyError("no\nsuch thing")


def leaves(_response: Response) -> Tensor:
    raise SystemExit(0)


def erases(response: Response) -> Tensor:
    for part in response.distorted.parts:
        part.zero_()
    return torch.ones(3)


def clips(response: Response) -> Tensor:
    response.reference.parts[0].clamp_(0, 0.5)
    return response.squared_difference


REFUSED: dict[str, tuple[Callable[[Response], object], str]] = {
    "over the sum of all": (
        lambda r: r.squared_difference / r.squared_difference.sum(),
        "gives another distance for a pair alone",
    ),
    "less the smallest": (
        lambda r: r.squared_difference - r.squared_difference.min(),
        "gives another distance for a pair alone",
    ),
    "ranks": (
        lambda r: r.squared_difference.argsort().argsort().float(),
        "gives another distance for a pair alone",
    ),
    "the distance before": (
        lambda r: r.squared_difference.roll(1),
        "gives another distance for a pair alone",
    ),
    "chance": (lambda r: torch.rand_like(r.squared_difference), "gives other distances"),
    "a little noise": (
        lambda r: r.squared_difference * (1 + 1e-3 * torch.rand(())),
        "gives other distances",
    ),
    "erased responses": (erases, "changes the responses in place"),
    "clipped references": (clips, "changes the responses in place"),
    "complex numbers": (lambda r: torch.complex(r.squared_difference, r.squared_difference), "gives complex numbers"),
    "an error": (fails, "fails: KeyError: 'no.*such thing'"),
    "an exit": (leaves, "fails: SystemExit: 0"),
    "nothing": (lambda _: None, "gives NoneType for 3 pairs"),
    "an array": (lambda r: r.squared_difference.numpy(), "gives ndarray for 3 pairs"),
    "one number": (lambda r: r.squared_difference.sum(), r"gives \(\) for 3 pairs"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_distance_of_each_pair_is_refused(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    function, message = REFUSED[kind]
    with pytest.raises(UserError, match=f"function={__name__}.distance {message}") as error:
        own(monkeypatch, function)(responses())
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "function",
    [
        lambda r: r.squared_difference,
        lambda r: r.squared_difference.half(),
        lambda r: r.squared_difference.clone().requires_grad_(),
        lambda r: r.squared_difference.mul_(2).div_(2),  # a statistic of its own
        lambda r: r.over_pairs(lambda f, g: (f - g).abs().flatten(1).amax(1)),
    ],
)
def test_distances_of_each_pair_pass(monkeypatch: pytest.MonkeyPatch, function: Callable[[Response], object]) -> None:
    response, watched = responses(), own(monkeypatch, function)
    expected = function(responses())
    for _ in range(2):
        torch.testing.assert_close(watched(response), expected, rtol=0, atol=0)
    torch.testing.assert_close(response.squared_difference, responses().squared_difference, rtol=0, atol=0)
