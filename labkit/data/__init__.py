"""Data on their way to a model. Feature columns: what becomes of the columns of a table."""
