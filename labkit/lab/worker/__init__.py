"""What runs inside the process of one trial."""
