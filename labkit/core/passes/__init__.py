"""From (fetches, fed tensors) to a program, and from its stages and shapes to instructions.

Passes run in the order of their files below; each makes bit-exact changes only.

    prune.py    what the fetches need                          -> operations
    share.py    equal operations are computed once             -> replacements
    order.py    reads first, writes last                       -> a sequence
    reads.py    which explicit reads see the run's start       -> a set
    stages.py   where Python computes, or a shape depends on data -> stages
    program.py  all of these: level one
    infer.py    all shapes, and values that decide shapes      -> shapes
    lower.py    level two: slots and instructions              -> a native plan of each stage; with it
        slots.py    pieces of memory
        memory.py   which tensors they hold, from one instruction to the next
        fold.py     operations on constants, computed while planning
        inside.py   loops and branches, plans that one instruction runs
"""
