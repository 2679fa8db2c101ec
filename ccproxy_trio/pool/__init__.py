"""A generic, nursery-based resource pool for trio."""
