"""A graph and a session of their own for tests that ask for them."""

from __future__ import annotations

import pytest

import labkit as lk


@pytest.fixture
def graph():
    with lk.Graph().as_default() as graph:
        yield graph


@pytest.fixture
def session(graph):
    with lk.Session(graph) as session:
        yield session
