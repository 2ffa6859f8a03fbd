"""How people write the ten digits: for each the common ways, as the movements of a pen.

A way is written as its strokes, separated by `|`. A stroke is the points x,y that the pen passes on a smooth curve, in
hundredths of a box from 0,0 at the top left to 100,100 at the bottom right; `!` behind a point makes it a corner. The
same point in two strokes is one point: strokes that touch stay together when points are moved. Curves that close (0, 6,
8, 9) run on a little, because the drawing cuts the ends of strokes at random.

The models were drawn for labkit from the shapes that are taught and commonly written; no scanned digit was used.
"""

from __future__ import annotations

from typing import NamedTuple


class Way(NamedTuple):
    """One way to write a digit: its share among the ways of that digit (in any unit), and its strokes as text."""

    share: float
    strokes: str


WAYS: dict[int, tuple[Way, ...]] = {
    0: (
        Way(4, "43,1 20,19 12,54 24,86 49,100 75,88 88,56 81,21 58,1 31,7"),
        Way(2, "60,3 38,4 22,30 22,67 37,95 59,98 76,75 79,38 66,8 45,1"),
        Way(2, "34,5 8,28 4,62 24,90 57,97 87,80 98,47 84,16 52,2 19,13"),
        Way(1, "30,7 59,1 83,22 90,57 75,89 47,100 21,84 10,50 20,16 47,0"),
        # starts with a tail outside or inside the oval
        Way(1, "62,10 50,6 24,19 12,50 21,82 47,98 74,88 88,58 81,25 57,7 85,2"),
        Way(1, "42,22 57,5 26,13 10,46 19,82 47,100 76,88 90,54 79,19 50,4"),
    ),
    1: (
        Way(10, "50,0! 50,100!"),
        Way(2, "36,22! 54,0! 52,100!"),
        Way(1, "28,26! 52,0! 52,100! | 26,100! 78,100!"),
        Way(1, "38,14 48,8 55,0! 54,50 52,100"),
        Way(1, "56,0 50,35 48,70 50,100"),
    ),
    2: (
        # round top, straight foot
        Way(3, "12,26 22,8 48,0 76,10 82,30 64,58 36,82 10,98! 50,97 92,96"),
        # the foot begins with a loop
        Way(3, "16,20 30,4 56,0 76,14 74,40 56,68 32,90 14,94 10,84 24,76 46,84 70,95 96,92"),
        # a small, flat loop
        Way(2, "20,16 42,2 66,6 72,28 54,60 30,86 10,96 8,88 24,84 50,92 90,98"),
        # a wavy foot, no loop
        Way(2, "10,30 20,6 50,0 78,14 74,42 46,72 12,96! 32,86 60,96 94,90"),
        # angular, almost a z
        Way(1, "14,14 40,2 74,4 78,18 50,58 14,94! 50,95 86,95"),
        # a wide loop, the foot runs out to the right below
        Way(1, "24,16 44,0 66,10 66,40 50,72 28,92 8,84 18,66 44,74 70,90 98,100"),
    ),
    3: (
        Way(4, "18,14 40,0 68,6 74,24 58,42 36,48! 66,52 82,72 68,93 38,100 12,90"),
        # the middle is a soft bend
        Way(2, "20,10 46,0 72,10 70,32 50,46! 76,58 80,82 54,99 18,94"),
        # the middle is a loop
        Way(2, "20,12 44,0 70,8 70,28 50,45 36,50 40,42 60,46 80,66 72,90 44,100 12,90"),
        # flat top
        Way(1, "16,4! 76,2! 44,38! 72,48 82,72 62,96 34,100 10,88"),
        # deep hooks at both ends
        Way(1, "14,26 24,6 50,0 74,16 62,40 40,47! 72,54 84,76 62,98 30,98 10,80"),
        # small upper bow, large lower one
        Way(1, "30,10 50,0 68,10 60,28 42,36! 76,44 90,70 66,96 32,100 6,86"),
    ),
    4: (
        # open: a corner, then the stem
        Way(4, "22,2! 14,56! 88,54! | 76,0! 70,100!"),
        # open and round
        Way(4, "24,0 14,26 16,46 38,54 64,48 78,40 | 82,2 78,40 72,72 68,100"),
        Way(3, "18,6 14,32 20,52! 50,54 92,48 | 74,4 68,50 62,100"),
        # closed: printed
        Way(2, "64,0! 8,66! 94,66! | 64,0! 64,100!"),
        # closed with a short stem above the bar
        Way(1, "70,2! 12,54! 90,52! | 70,2! 60,100!"),
        # in one movement: up the stem and down
        Way(1, "20,4 12,34 18,52 46,50 74,30 82,6! 74,50 66,100"),
        # the bar ends at the stem
        Way(2, "20,0! 16,46! 76,44! | 82,0! 76,44! 70,100!"),
    ),
    5: (
        # the top bar apart
        Way(4, "24,4! 20,42! 46,34 74,46 80,70 62,94 34,100 8,90 | 24,4! 86,2!"),
        # from the right end of the bar in one movement
        Way(3, "84,0! 34,4! 24,42! 52,40 74,56 72,82 46,99 10,94"),
        # round shoulders, an s
        Way(3, "88,2 60,2 36,8 26,28 40,42 62,54 70,76 52,96 24,100 4,90"),
        # small belly, long slanting back
        Way(2, "44,0! 30,46! 54,50 66,66 56,88 32,98 6,92 | 44,0! 96,4!"),
        # the bar does not touch
        Way(1, "20,8! 18,44! 48,38 76,54 74,82 48,100 12,94 | 30,2 56,3 90,0"),
    ),
    6: (
        Way(4, "70,0 44,16 24,44 18,70 30,94 54,100 76,88 80,68 62,52 38,58 20,76"),
        # steep, narrow loop
        Way(3, "46,0 30,28 22,60 26,88 46,100 68,90 70,70 52,60 34,70 28,86"),
        # a wide bow
        Way(2, "82,6 52,8 26,32 16,62 26,92 54,100 82,86 82,62 58,50 32,58 18,72"),
        # a small loop low down
        Way(2, "60,0 40,26 24,56 20,84 38,100 62,94 64,76 46,70 28,82 24,94"),
        # lying: the stem leans far right
        Way(1, "98,4 64,20 32,46 14,76 28,98 56,96 72,78 62,62 38,66 20,84"),
        # the loop is written open
        Way(1, "62,0 36,24 20,56 22,88 46,100 74,90 78,68 58,54 40,60"),
    ),
    7: (
        Way(6, "10,4! 84,4! 42,100!"),
        # a curved stem
        Way(4, "10,8! 46,6 84,4! 66,34 52,66 46,100"),
        # a hook or a small serif at the left
        Way(2, "12,20 14,4! 48,6 82,2! 62,46 46,100"),
        # a wavy bar and a round shoulder
        Way(2, "8,16 26,6 52,10 78,6 78,22 62,54 50,100"),
        # with a bar through the stem
        Way(2, "10,4! 86,2! 44,100! | 36,50! 86,48!"),
        # round shoulder
        Way(2, "8,18 30,4 64,2 78,16 70,46 56,74 48,100"),
    ),
    8: (
        # an s that closes upwards
        Way(4, "74,10 48,0 24,12 28,32 54,50 74,70 70,92 44,100 22,88 26,68 52,46 74,26 76,8 62,2"),
        # two ovals
        Way(2, "50,48 31,40 24,22 34,5 55,0 72,11 75,30 62,45 41,47 | 50,48 75,56 84,76 71,95 44,100 21,88 17,67 "
               "34,51 62,50"),
        # mirrored: begins to the left
        Way(2, "30,8 54,0 76,12 70,34 44,52 24,72 30,92 54,100 76,86 70,66 46,46 26,28 26,10 42,0"),
        # a slender one, the end sticks out at the top
        Way(2, "66,12 44,6 32,22 44,42 60,62 62,84 46,100 30,90 34,70 50,48 68,24 80,0"),
        # a small head over a wide loop
        Way(1, "66,10 50,0 34,12 40,32 62,46 82,68 70,94 42,100 18,86 22,62 46,42 66,24 66,6"),
        # a wide head over a small loop
        Way(1, "80,16 52,0 22,12 24,34 48,50 60,72 54,94 38,100 26,88 32,66 52,48 76,32 80,12"),
    ),
    9: (
        # a loop, then a straight stem
        Way(4, "78,14 52,0 24,14 18,36 38,50 64,38 78,14! 74,54 70,100"),
        # the stem bends
        Way(3, "74,16 52,0 26,12 22,36 44,48 68,34 76,14 76,40 66,72 46,100"),
        # a hook to the left at the foot
        Way(2, "76,18 50,0 22,14 22,38 46,48 70,36 78,16 80,52 72,86 44,100 18,90"),
        # a small round head, a long leaning stem
        Way(2, "72,12 54,0 34,10 30,28 46,38 66,28 74,10! 60,56 40,100"),
        # the loop is written from below the top, and stays open
        Way(1, "70,6 46,2 22,18 20,40 42,50 66,42 78,22! 74,60 68,100"),
        # a loop that closes at the middle of the stem
        Way(1, "80,0! 76,40 70,100 | 80,6 50,2 20,20 26,44 52,48 76,38"),
    ),
}  # fmt: skip
