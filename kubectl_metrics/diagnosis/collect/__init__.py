"""Asking the cluster for the evidence of a diagnosis. Nothing here judges."""
