"""iqa_lab: why do deep networks predict human opinion of image quality?"""

__version__ = "0.1.0"
