"""How well one column of scores agrees with people: coefficients, fitted curves, errors of prediction, choices."""
