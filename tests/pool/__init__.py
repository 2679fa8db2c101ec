"""Tests of the generic pool."""
