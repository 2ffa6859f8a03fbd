"""What a sweep tries: search spaces."""
