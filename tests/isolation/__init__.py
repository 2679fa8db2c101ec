"""Nothing of one request is in another's, nor anywhere else where it does not belong."""
