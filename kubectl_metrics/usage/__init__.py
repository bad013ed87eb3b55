"""Arithmetic on values: rates, sums, percentages, order. Pure: time is an argument, nothing is printed or fetched."""
