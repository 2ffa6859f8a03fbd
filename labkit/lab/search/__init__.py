"""Search: which configurations of a space are tried, and which trials are not worth finishing."""
