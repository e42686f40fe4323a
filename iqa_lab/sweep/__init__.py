"""The factor grid: overrides -> plan -> jobs -> report; the ledger knows what was done, results are one table.

``grid`` and ``compose`` turn overrides into units, ``plan`` looks each up in the ``ledger``, ``sweeper`` hands jobs to
a launcher, ``work`` is what a job does.
"""
