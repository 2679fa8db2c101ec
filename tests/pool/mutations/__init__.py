"""What is done to the pool on purpose, by what it breaks."""
