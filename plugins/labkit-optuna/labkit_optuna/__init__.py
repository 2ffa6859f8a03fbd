"""Optuna's searchers for labkit's sweeps."""
