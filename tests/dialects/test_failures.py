"""The neutral failure value: what it refuses to hold, and its Retry-After."""

from __future__ import annotations

import math

import attrs
import pytest

from ccproxy_trio.dialects.failures import Failure, InvalidRequest


@pytest.mark.parametrize(
    ("seconds", "header"),
    [
        (None, None),
        (0, "0"),
        (0.001, "1"),
        (1, "1"),
        (1.0, "1"),
        (1.5, "2"),
        (59.01, "60"),
        (86400.0, "86400"),
    ],
)
def test_retry_after_is_whole_seconds_and_never_too_early(seconds: float | None, header: str | None) -> None:
    assert Failure(529, "Overloaded", retry_after=seconds).retry_after_header() == header


@pytest.mark.parametrize("seconds", [-0.1, math.inf, math.nan])
def test_an_impossible_delay_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="retry_after must be a finite number of seconds"):
        Failure(429, "Slow down", retry_after=seconds)


@pytest.mark.parametrize("status", [0, 200, 399, 600])
def test_a_status_that_is_no_error_is_refused(status: int) -> None:
    with pytest.raises(ValueError, match="'status' must be"):
        Failure(status, "?")


def test_a_failure_is_a_value() -> None:
    assert Failure(404, "no") == Failure(404, "no")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Failure(404, "no").status = 500  # type: ignore[misc]  # that it cannot be set is the test


def test_an_invalid_request_says_where_and_what() -> None:
    error = InvalidRequest("messages.0.role", "Field required")
    assert (error.field, error.message) == ("messages.0.role", "Field required")
    assert error.failure == Failure(400, "messages.0.role: Field required")


def test_an_invalid_body_has_no_path() -> None:
    assert InvalidRequest("", "The request body must be a JSON object").failure == Failure(
        400, "The request body must be a JSON object"
    )
