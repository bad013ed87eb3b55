"""What is wrong with the metrics pipeline: collect first, judge afterwards.

``collect`` asks the cluster and fills an ``Evidence``; everything else here is pure. ``judge`` runs the checks of the
``catalogue`` over it and puts the causes in front of their symptoms.
"""
