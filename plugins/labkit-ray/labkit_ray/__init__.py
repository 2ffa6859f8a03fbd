"""Trials of labkit's sweeps on a Ray cluster."""
