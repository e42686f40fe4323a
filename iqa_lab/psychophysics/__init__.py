"""Stimuli made from formulas, people's thresholds for them, and how distances are compared with these.

A psychophysical benchmark (``protocol: thresholds``) is one module here, named as the ``family`` of its YAML, with one
function::

    def experiment(config: BenchmarkConfig) -> Experiment

It makes no image: it is also called where statistics are made again from scores. The ``Experiment`` says

* ``trials``: which two pictures each distance is of (a row a trial), by names;
* ``picture(name)``: one of these pictures, ``[H, W, 3]`` float32 in 0..255, the same every time;
* ``read(distances)``: a pure function from the distances of all trials, in all columns at once, to a ``Reading``: for
  every stimulus (or condition) the value of each column **beside** the human value of the same thing.

Everything else is done once for all of them: pass, digests and signature (``iqa_lab.benchmarks.made``), the tables,
their intervals over stimuli and over observers, the column that other stimuli choose (``iqa_lab.statistics``). From a
``Reading`` come ``srcc`` and ``plcc`` of values and human values (positive = agrees with people), both within groups,
whatever the experiment adds as numbers of its own (``Reading.extra``), and, where both are log10 of a sensitivity, a
threshold or a contrast (``Reading.logarithmic``), ``rms_db``.

A loader of one's own is a dotted path as ``benchmark.family``, a function ``(BenchmarkConfig) -> Experiment``.
"""

from iqa_lab.psychophysics.experiment import Curve, Experiment, Experimenter, experiment_of

__all__ = ["Curve", "Experiment", "Experimenter", "experiment_of"]
