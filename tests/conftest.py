"""Test processes share the machine's cores: each uses one thread, except in tests that set the number themselves."""

import os

os.environ.setdefault("LABKIT_NUM_THREADS", "1")
