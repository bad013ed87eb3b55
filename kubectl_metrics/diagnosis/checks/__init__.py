"""The checks, one module for each stretch of the pipeline. Pure: evidence in, faults out."""
