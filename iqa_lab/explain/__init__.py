"""Two images and a network -> where in the image each layer sees the difference, as pictures and as a page."""

from iqa_lab.explain.files import write_explanation
from iqa_lab.explain.maps import Explanation, LayerMap, explain

__all__ = ["Explanation", "LayerMap", "explain", "write_explanation"]
