"""The TF1 functions that need more than other words; the tables name them with `@`."""
