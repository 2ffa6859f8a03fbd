"""How people write the ten digits: for each the common ways, as the movements of a pen.

A way is written as its strokes, separated by `|`. A stroke is the points x,y that the pen passes on a smooth curve, in
hundredths of a box from 0,0 at the top left to 100,100 at the bottom right; `!` behind a point makes it a corner. The
same point in two strokes is one point: strokes that touch stay together when points are moved. Curves that close (0, 6,
8, 9) run on a little, because the drawing cuts the ends of strokes at random.

The models were drawn for labkit from the shapes that are taught and commonly written; none was traced from a scan. Which
ways are missing, how wide the digits are and how much they vary was judged by comparison with MNIST's training images.
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
        # the end runs over the start: a small loop or a curl at the top
        Way(1, "66,6 36,4 14,34 14,72 40,100 72,90 86,58 78,20 54,4 36,14 46,24"),
        Way(1, "58,0 30,16 14,50 22,88 50,100 76,86 88,50 76,12 46,8 26,20"),
        # both ends open at the upper right
        Way(1, "70,8 44,0 18,24 12,62 34,98 64,94 86,62 84,28 72,14"),
        # a leaning oval
        Way(2, "72,2 44,8 20,34 4,72 14,96 40,96 70,70 92,30 88,6 66,0 46,8"),
        Way(2, "56,2 26,12 10,46 18,84 46,100 78,86 92,52 84,16 58,0 40,4"),
    ),
    1: (
        Way(10, "50,0! 50,100!"),
        Way(2, "36,22! 54,0! 52,100!"),
        Way(0.7, "28,26! 52,0! 52,100! | 26,100! 78,100!"),
        Way(1, "38,14 48,8 55,0! 54,50 52,100"),
        Way(1, "56,0 50,35 48,70 50,100"),
        # a long flag, with or without a base
        Way(1, "18,34! 56,0! 54,100!"),
        Way(0.4, "20,24! 50,0! 50,100! | 10,100! 90,98!"),
        Way(0.4, "14,20 34,16 52,0! 50,100! | 12,98! 86,100!"),
    ),
    2: (
        # round top, straight foot
        Way(3, "9,26 20,8 48,0 78,10 85,30 65,58 35,82 7,98! 50,97 95,96"),
        # the foot begins with a loop
        Way(3, "13,20 28,4 56,0 78,14 76,40 56,68 31,90 11,94 7,84 22,76 46,84 72,95 100,92"),
        # a small, flat loop
        Way(2, "18,16 41,2 67,6 74,28 54,60 28,86 7,96 5,88 22,84 50,92 93,98"),
        # a wavy foot, no loop
        Way(2, "7,30 18,6 50,0 80,14 76,42 46,72 9,96! 31,86 61,96 98,90"),
        # angular, almost a z
        Way(1, "11,14 39,2 76,4 80,18 50,58 11,94! 50,95 89,95"),
        # a wide loop, the foot runs out to the right below
        Way(1, "22,16 44,0 67,10 67,40 50,72 26,92 5,84 15,66 44,74 72,90 102,100"),
        # a round head that begins inside, the foot falls off to the right
        Way(2, "28,30 20,14 44,0 74,8 82,32 67,62 39,88 13,94 5,80 24,70 48,80 65,94 85,100"),
        # a head like a hook, a long foot
        Way(1, "5,30 24,10 54,4 67,22 54,50 28,74 0,92! 39,86 102,84"),
        # a large head, a tiny loop
        Way(1, "9,34 15,10 46,0 82,12 87,44 61,76 31,94 20,88 33,80 56,88 93,100"),
        Way(1, "18,28 24,6 52,0 72,16 64,44 40,70 16,88 10,78 26,68 48,74 70,92 78,100"),
    ),
    3: (
        Way(4, "15,14 39,0 69,6 76,24 59,42 35,48! 67,52 85,72 69,93 37,100 9,90"),
        # the middle is a soft bend
        Way(2, "18,10 46,0 74,10 72,32 50,46! 78,58 82,82 54,99 15,94"),
        # the middle is a loop
        Way(2, "18,12 44,0 72,8 72,28 50,45 35,50 39,42 61,46 82,66 74,90 44,100 9,90"),
        # flat top
        Way(1, "13,4! 78,2! 44,38! 74,48 85,72 63,96 33,100 7,88"),
        # deep hooks at both ends
        Way(1, "11,26 22,6 50,0 76,16 63,40 39,47! 74,54 87,76 63,98 28,98 7,80"),
        # small upper bow, large lower one
        Way(1, "28,10 50,0 69,10 61,28 41,36! 78,44 93,70 67,96 31,100 2,86"),
        # leaning bows, the middle only a dent
        Way(1, "5,16 33,2 72,4 87,20 67,36 46,44! 76,50 87,66 72,88 35,98 0,96"),
        # a short middle bar that points left
        Way(1, "11,8 46,0 80,8 78,30 50,46 26,50! 61,50 87,62 85,86 50,100 13,92"),
        # angular: the upper bow is a corner
        Way(1, "9,8! 82,6! 46,40! 82,54 85,80 56,98 11,96"),
        # a small lower bow with little hook
        Way(1, "10,10 40,0 72,6 74,22 48,42! 66,54 66,76 36,100"),
    ),
    4: (
        # open: a corner, then the stem
        Way(4, "24,2! 17,56! 85,54! | 74,0! 68,100!"),
        # open and round
        Way(4, "26,0 17,26 19,46 39,54 63,48 76,40 | 79,2 76,40 70,72 67,100"),
        Way(3, "21,6 17,32 22,52! 50,54 89,48 | 72,4 67,50 61,100"),
        # closed: printed
        Way(2, "63,0! 11,66! 90,66! | 63,0! 63,100!"),
        # closed with a short stem above the bar
        Way(1, "68,2! 15,54! 87,52! | 68,2! 59,100!"),
        # in one movement: up the stem and down
        Way(1, "22,4 15,34 21,52 46,50 72,30 79,6! 72,50 65,100"),
        # the bar ends at the stem
        Way(2, "22,0! 19,46! 74,44! | 79,0! 74,44! 68,100!"),
        # narrow and open, the bar crosses far
        Way(1, "32,8! 24,48! 92,42! | 65,0! 57,100!"),
        # the left stroke is a hook, the stem begins low
        Way(1, "32,0 19,22 11,48! 41,56 87,50 | 70,26! 65,100!"),
    ),
    5: (
        # the top bar apart
        Way(4, "21,4! 16,42! 46,34 77,46 84,70 63,94 32,100 3,90 | 21,4! 90,2!"),
        # from the right end of the bar in one movement
        Way(3, "88,0! 32,4! 21,42! 52,40 77,56 75,82 46,99 5,94"),
        # round shoulders, an s
        Way(3, "93,2 61,2 34,8 23,28 39,42 63,54 72,76 52,96 21,100 -2,90"),
        # small belly, long slanting back
        Way(2, "43,0! 28,46! 54,50 68,66 57,88 30,98 1,92 | 43,0! 102,4!"),
        # the bar does not touch
        Way(1, "16,8! 14,44! 48,38 79,54 77,82 48,100 7,94 | 28,2 57,3 95,0"),
        # a wide belly that almost closes
        Way(1, "90,4! 28,2! 19,40! 50,32 84,44 93,70 70,94 34,98 7,84 16,68"),
        # a short back, a flat wide bar
        Way(1, "104,2! 34,6! 25,36! 54,38 70,56 63,82 34,98 -2,94"),
    ),
    6: (
        Way(4, "69,0 44,16 26,44 20,70 31,94 54,100 74,88 78,68 61,52 39,58 22,76"),
        # steep, narrow loop
        Way(3, "46,0 31,28 24,60 28,88 46,100 67,90 69,70 52,60 35,70 30,86"),
        # a wide bow
        Way(2, "80,6 52,8 28,32 18,62 28,92 54,100 80,86 80,62 57,50 33,58 20,72"),
        # a small loop low down
        Way(2, "59,0 41,26 26,56 22,84 39,100 61,94 63,76 46,70 30,82 26,94"),
        # lying: the stem leans far right
        Way(1, "95,4 63,20 33,46 17,76 30,98 56,96 70,78 61,62 39,66 22,84"),
        # the loop is written open
        Way(1, "61,0 37,24 22,56 24,88 46,100 72,90 76,68 57,54 41,60"),
        # the stem comes down straight, a round loop beside it
        Way(1, "39,0! 24,60 30,90 52,100 76,86 76,64 56,52 35,62 26,82"),
        # the loop swings up high and ends outside
        Way(1, "59,0 31,30 17,68 31,98 61,94 83,70 78,48 57,50 41,70 37,92"),
        # a loop that leans away from the stem and stays open
        Way(1, "34,0 12,40 12,82 36,100 62,90 84,64 74,44 56,50 44,72 48,90"),
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
        # a steep stem
        Way(3, "14,4! 84,2! 70,100!"),
        Way(2, "10,30! 14,4! 80,2! 66,100!"),
        Way(2, "18,34 16,6! 50,6 84,2! 76,40 60,100"),
        # barred, with a serif or a steep stem
        Way(2, "12,18 16,4! 84,2! 56,100! | 34,52! 92,48!"),
        Way(2, "10,6 40,8 78,2! 54,48 44,100 | 24,54! 80,46!"),
        # a slanting bar
        Way(1, "6,18! 88,2! 36,100!"),
        Way(1, "22,0 12,22! 50,20 90,6! 62,50 40,100"),
        Way(2, "10,40! 12,4! 84,4! 74,100!"),
        Way(1, "16,26 12,6! 50,10 80,6! 78,50 74,100"),
        # a deep serif, a rising bar
        Way(1, "8,4 18,34! 60,20 90,0! 60,50 32,100"),
        # a hook, a wavy bar and a leaning stem
        Way(2, "8,30 20,6 44,14 70,8 88,0! 62,44 40,100"),
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
        # open at the top right: the ends do not meet
        Way(2, "80,14 54,4 28,10 22,28 42,46 64,62 70,84 52,100 30,90 34,70 54,50 86,20"),
        Way(3, "92,8 58,2 26,10 22,30 44,46 62,62 62,86 42,100 20,88 24,68 48,48 94,14"),
        # angular: two triangles tip to tip
        Way(1, "22,4! 78,6! 22,94! 78,98! 20,4!"),
        # two rings, the lower one begun at the side
        Way(1, "74,22 54,2 28,10 26,34 48,46 70,36 72,16 56,2 | 48,46 22,60 22,88 48,100 76,88 76,62 48,46 34,48"),
        # the lower loop is open at the foot
        Way(0.4, "70,12 46,0 24,14 30,36 58,54 80,84 | 70,12 72,30 48,52 28,70 22,90 48,100 70,94"),
        # a ribbon: crossing legs under a loop, with or without a base
        Way(1, "20,100! 42,64 70,24 62,2 38,2 30,24 58,64 82,100! 20,98!"),
        Way(1, "20,92! 44,60 70,24 58,0 36,6 34,28 60,62 76,88 52,100 22,90"),
        # a large ring over a slender, open one
        Way(1, "70,30 78,8 48,0 20,18 34,42 62,32 76,10 56,52 34,84 44,100 62,88 56,62 40,40"),
    ),
    9: (
        # a loop, then a straight stem
        Way(4, "74,14 52,0 27,14 22,36 40,50 62,38 74,14! 71,54 67,100"),
        # the stem bends
        Way(3, "71,16 52,0 29,12 26,36 45,48 66,34 73,14 73,40 64,72 47,100"),
        # a hook to the left at the foot
        Way(2, "73,18 50,0 26,14 26,38 47,48 67,36 74,16 76,52 69,86 45,100 22,90"),
        # a small round head, a long leaning stem
        Way(2, "69,12 53,0 36,10 33,28 47,38 64,28 71,10! 59,56 41,100"),
        # the loop is written from below the top, and stays open
        Way(1, "67,6 47,2 26,18 24,40 43,50 64,42 74,22! 71,60 66,100"),
        # a loop that closes at the middle of the stem
        Way(1, "76,0! 73,40 67,100 | 76,6 50,2 24,20 29,44 52,48 73,38"),
        # a flat, open head and a long bent tail
        Way(2, "80,10 57,0 29,10 19,28 36,38 60,30 80,12! 64,56 50,84 26,100"),
        # a head with its opening at the right, then a hook back, as in a g
        Way(1, "69,10 48,0 27,10 29,28 50,36 69,26 71,8 74,44 71,82 52,100 29,96 19,84"),
        # round head that closes above the stem
        Way(1, "59,6 36,4 19,22 24,42 47,48 67,34 73,10! 76,50 73,100"),
        # a leaning straight stem crossing the head
        Way(1, "71,20 59,2 33,6 17,28 27,44 50,40 80,6! 53,54 36,100"),
        Way(2, "82,6 52,2 22,16 24,32 46,34 74,16! 58,58 40,84 18,100"),
        # the same, begun far to the right of the stem
        Way(3, "92,4 60,2 30,12 20,30 40,40 66,30 78,16! 62,56 44,82 24,100"),
    ),
}  # fmt: skip
