"""The archives that krew installs: the program with a Python of its own in one folder. ``python -m krew`` builds them.

Strategy: an environment made of hashes (``environment``) is frozen by PyInstaller into a folder (``freezing``, and
``kubectl-metrics.spec`` inside of it); licences are put beside it (``notices``) and all of it into an archive whose
bytes depend on nothing but its content (``archive``), which is then tried (``trial``). ``manifest`` writes what krew
reads. Only the standard library is needed to run this, on every platform that the manifest names.
"""
