"""Experiments that the tests run."""
