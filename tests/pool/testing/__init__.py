"""Tests of what the pool ships for testing."""
