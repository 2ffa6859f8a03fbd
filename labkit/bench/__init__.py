"""The benchmark: labkit beside the libraries that are installed, in one run on the same cores.

Each library runs in a process of its own and they take turns, so that what else the machine does meets all of them
alike. `works.py` says what is measured, `sides/` how each library does it, `match.py` holds the turns.
"""
