"""From strokes to images: curves through points, and the ink that a pen leaves along them.

Curves are Catmull-Rom splines (E. Catmull, R. Rom, "A class of local interpolating splines", 1974), which are linear in
their points: a way of writing becomes one matrix, and any number of differently moved copies is one product.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

CATMULL_ROM = np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]]) / 2
FINE = 32  # steps of each piece of a curve when its length is measured


class Curves(NamedTuple):
    """Strokes as linear functions of their points.

    points: float32 [K, 2], the points x, y in [0, 1], unused rows are zero.
    basis: float32 [P, K], `basis @ points` are P samples along the strokes, evenly spaced but for the strokes' ends.
    joined: float32 [P - 1], 1 where sample i + 1 continues the stroke of sample i, else 0.
    along: float32 [P - 1], where between 0 and 1 the middle of samples i and i + 1 lies in its stroke.
    stroke: int64 [P - 1], the number of its stroke.
    """

    points: np.ndarray
    basis: np.ndarray
    joined: np.ndarray
    along: np.ndarray
    stroke: np.ndarray


def read_strokes(text: str, samples: int, max_points: int) -> Curves:
    """Returns the strokes written as `labkit.datasets.strokes` describes, with `samples` samples over all of them."""
    numbers: dict[str, int] = {}
    strokes: list[list[int]] = []
    for written in text.split("|"):
        knots: list[int] = []
        for word in written.split():
            knot = numbers.setdefault(word.rstrip("!"), len(numbers))
            knots += [knot, knot] if word.endswith("!") else [knot]
        strokes.append(knots)
    points = np.zeros((max_points, 2))
    points[: len(numbers)] = [[float(v) / 100 for v in word.split(",")] for word in numbers]

    fine = [_spline(knots, max_points) for knots in strokes]
    lengths = [np.concatenate([[0.0], np.hypot(*np.diff(rows @ points, axis=0).T).cumsum()]) for rows in fine]
    share = np.array([length[-1] for length in lengths])
    ends = np.round(samples * share.cumsum() / share.sum()).astype(int)
    basis, stroke, along = np.zeros((samples, max_points)), np.zeros(samples, np.int64), np.zeros(samples)
    for number, (rows, length, start, end) in enumerate(zip(fine, lengths, [0, *ends[:-1]], ends, strict=True)):
        along[start:end] = np.linspace(0, 1, end - start)
        basis[start:end] = np.stack([np.interp(along[start:end] * length[-1], length, row) for row in rows.T], axis=1)
        stroke[start:end] = number
    return Curves(
        points.astype(np.float32),
        basis.astype(np.float32),
        (stroke[1:] == stroke[:-1]).astype(np.float32),
        ((along[1:] + along[:-1]) / 2).astype(np.float32),
        stroke[:-1],
    )


def _spline(knots: list[int], max_points: int) -> np.ndarray:
    """Returns the matrix [fine samples, K] of the curve through the knots; a knot that comes twice is a corner."""
    padded = [knots[0], *knots, knots[-1]]
    powers = np.linspace(0, 1, FINE)[:, np.newaxis] ** np.arange(4)
    pieces = []
    for four in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        if four[1] != four[2]:
            piece = np.zeros((FINE, max_points))
            for knot, column in zip(four, (powers @ CATMULL_ROM).T, strict=True):
                piece[:, knot] += column  # a knot may come twice in four
            pieces.append(piece)
    return np.concatenate(pieces)


def draw_ink(
    points: np.ndarray, lengths: np.ndarray, radius: np.ndarray, softness: np.ndarray, size: int
) -> np.ndarray:
    """Returns images of strokes: 1 up to `radius` from the pen's path, falling to 0 over `softness` pixels.

    The distance d to the path is read from the path's own blur. With a Gaussian of width s, a straight path has the
    density exp(-d^2 / 2 s^2), so d = s sqrt(-2 log density); and as a Gaussian is a product of one in x and one in y,
    the density of a whole image is one matrix product. Where paths meet, the density is larger: ink runs together.

    Args:
        points: float32 [n, P, 2], x and y in pixels; the centre of the top left pixel is (0, 0).
        lengths: float32 [n, P], pixels of path that each point stands for; 0 leaves the point out.
        radius: float32 [n], half the width of the stroke, in pixels.
        softness: float32 [n], pixels.
        size: height and width of the images.

    Returns:
        float32 [n, size, size] in [0, 1].
    """
    width = np.maximum(0.75 * radius, 0.7)[:, np.newaxis, np.newaxis]
    grid = np.arange(size, dtype=np.float32)
    blur = (grid - points.transpose(2, 0, 1)[..., np.newaxis]) / width  # [2, n, P, size]
    np.multiply(blur, blur, out=blur)
    np.multiply(blur, np.float32(-0.5), out=blur)
    np.exp(blur, out=blur)
    blur[1] *= (lengths / (width[..., 0] * np.float32(np.sqrt(2 * np.pi))))[..., np.newaxis]
    density = np.matmul(blur[1].transpose(0, 2, 1), blur[0])
    np.clip(density, np.float32(1e-9), 1, out=density)
    distance = width * np.sqrt(-2 * np.log(density))
    edge = (radius[:, np.newaxis, np.newaxis] - distance) / softness[:, np.newaxis, np.newaxis] + np.float32(0.5)
    return np.clip(edge, 0, 1, out=edge)
