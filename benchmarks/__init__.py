"""``make bench``: the tool beside kubectl top, against servers that cost little. docs/benchmarks.md says more."""
