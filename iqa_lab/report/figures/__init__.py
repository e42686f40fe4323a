"""Figures: each a pure function from a tidy frame to a chart, or None where there is nothing to show; one a module.

The frames of many units have the columns of ``correlations.csv``. One definition gives the interactive figure of the
page and, by ``save``, PNG, SVG and PDF.
"""
