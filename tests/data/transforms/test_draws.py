"""Distributions of what is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from labkit.data import Dataset, transforms as t

MANY = 40_000
INDICES = np.arange(MANY)


def require_uniform(counts: np.ndarray) -> None:
    """Chi squared, at five standard deviations."""
    expected = counts.sum() / counts.size
    chi2 = float(((counts - expected) ** 2 / expected).sum())
    freedom = counts.size - 1
    assert abs(chi2 - freedom) < 5 * np.sqrt(2 * freedom) + 5


def test_crops_have_all_places_alike() -> None:
    wide = np.zeros((MANY, 5, 4, 1), np.uint8)
    wide[:] = np.arange(20).reshape(5, 4, 1)
    corners = t.RandomCrop((2, 2))(wide)[:, 0, 0, 0]
    counts = np.bincount(corners, minlength=20).reshape(5, 4)
    assert counts[4:].sum() == counts[:, 3:].sum() == 0
    require_uniform(counts[:4, :3])


def test_flips_are_independent_and_even() -> None:
    images = np.tile(np.arange(4, dtype=np.uint8).reshape(1, 2, 2, 1), (MANY, 1, 1, 1))
    require_uniform(np.bincount(t.RandomFlip("horizontal_and_vertical")(images)[:, 0, 0, 0], minlength=4))


def test_cutouts_have_all_middles_alike() -> None:
    images = np.ones((MANY, 4, 5, 1), np.uint8)
    hit = (t.Cutout(1)(images) == 0).sum(axis=0)[..., 0]
    assert hit.sum() == MANY
    require_uniform(hit)


def test_numbers_are_uniform_and_uncorrelated() -> None:
    transforms = [t.RandomTransform(seed=1), t.RandomTransform(seed=2), t.RandomFlip(seed=1)]
    drawn = np.concatenate([x.draw(INDICES, epoch) for epoch in (0, 1, 7) for x in transforms], axis=1)
    drawn = np.concatenate([drawn, transforms[0].draw(INDICES + 1, 0)], axis=1)
    assert drawn.min() >= 0
    assert drawn.max() < 1
    for column in drawn.T:
        require_uniform(np.bincount((column * 64).astype(int), minlength=64))
    correlations = np.corrcoef(drawn, rowvar=False) - np.eye(drawn.shape[1])
    assert np.abs(correlations).max() < 5 / np.sqrt(MANY)


@pytest.mark.parametrize("alpha", [0.05, 0.2, 0.5, 1.0, 3.0, 50.0])
def test_mixups_weights_have_a_beta_distribution(alpha: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    weights = t.MixUp(alpha, seed=1).weights(INDICES, 0)
    assert weights.min() >= 0
    assert weights.max() <= 1
    # what is nearer to 1 than float64 can say counts as 1
    inner = weights[(weights > 1e-12) & (weights < 1 - 1e-12)]
    distribution = stats.beta(alpha, alpha)
    outer = 2 * distribution.cdf(1e-12)
    assert abs(1 - len(inner) / MANY - outer) < 5 * np.sqrt(outer / MANY) + 1e-4
    inside = (distribution.cdf(inner) - outer / 2) / (1 - outer)
    require_uniform(np.bincount(np.clip(inside * 50, 0, 49).astype(int), minlength=50))


def test_partners_are_drawn_from_all_alike() -> None:
    partners = t.MixUp(seed=2).partners(INDICES, 0, 50)
    require_uniform(np.bincount(partners, minlength=50))
    large = t.MixUp(seed=2).partners(INDICES, 0, 2**40)
    assert large.min() >= 0
    assert large.max() < 2**40
    require_uniform(np.bincount(large % 64, minlength=64))


def test_angles_and_amounts_reach_their_ranges() -> None:
    images = np.full((MANY, 1, 1, 1), 0.5, np.float32)
    made = t.RandomBrightness((-0.25, 0.5))(images).ravel() - 0.5
    assert -0.25 <= made.min() < -0.249
    assert 0.499 < made.max() <= 0.5
    require_uniform(np.histogram(made, 30, (-0.25, 0.5))[0])


def test_epochs_of_a_pipeline_draw_anew() -> None:
    images = np.tile(np.arange(2, dtype=np.uint8).reshape(1, 1, 2, 1), (4096, 1, 1, 1))
    dataset = Dataset.from_tensor_slices(images).map(t.RandomFlip())
    flipped = np.stack([dataset.arrays(epoch)[:, 0, 0, 0] for epoch in range(8)])
    require_uniform(np.bincount((flipped * 2 ** np.arange(8)[:, None]).sum(0), minlength=256))
