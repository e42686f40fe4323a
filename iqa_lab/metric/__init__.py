"""A network x layers x readout (x channel weights) as one metric: two images in, their distance out, with a gradient.

A metric is made of words (``words.py``), of a column of a result (``from_result.py``) or of a file (``saved.py``);
``load.py`` is the door. All three end in one ``Recipe`` and a ``Network``, of which ``module.py`` makes the module.
Readouts, layers and preparations of images are those of the pass: nothing is defined a second time.
"""
