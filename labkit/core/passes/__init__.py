"""From (fetches, fed tensors) to a program, and from a program and shapes to instructions.

Passes run in the order of their files below; each makes bit-exact changes only.

    prune.py   what the fetches need                          -> operations
    share.py   equal operations are computed once             -> replacements
    order.py   reads first, writes last                       -> a sequence
    reads.py   which explicit reads see the run's start       -> a set
    lower.py   shapes, folding, slots, instructions           -> a native plan
"""
