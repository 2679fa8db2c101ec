"""The configuration: its defaults, and what it refuses."""

from __future__ import annotations

import ast
import inspect
import math
from typing import Any

import pytest

from ccproxy_trio.pool import PoolConfig, PoolStatistics, _config, _stats


def test_the_defaults_of_the_documented_settings() -> None:
    config = PoolConfig()
    assert (config.min_size, config.max_size, config.idle_timeout) == (2, 10, 300.0)
    assert (config.warmup_on_startup, config.health_check_interval) == (True, 60.0)
    assert config.acquire_timeout == 5.0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("min_size", -1),
        ("min_size", 1.0),
        ("min_size", True),
        ("min_size", 11),
        ("max_size", 0),
        ("max_size", math.inf),
        ("min_fresh", -1),
        ("min_fresh", 11),
        ("max_waiting", 0),
        ("max_waiting", 1.5),
        ("max_starting", 0),
        ("max_uses", 0),
        ("max_uses", math.nan),
        ("idle_timeout", -0.1),
        ("idle_timeout", math.nan),
        ("acquire_timeout", "5"),
        ("acquire_timeout", -1),
        ("health_check_interval", 0),
        ("max_lifetime", 0),
        ("check_after_idle", -1),
        ("overtake_limit", None),
        ("create_timeout", math.inf),
        ("check_timeout", 0),
        ("reset_timeout", math.inf),
        ("close_timeout", math.nan),
        ("lifetime_jitter", 1.0),
        ("lifetime_jitter", -0.1),
        ("warmup_on_startup", "false"),
        ("retire_on_error", 0),
        ("create_backoff", (0.0, 1.0)),
        ("create_backoff", (2.0, 1.0)),
        ("create_backoff", (1.0, math.inf)),
        ("create_backoff", 1.0),
        ("create_backoff", (1.0,)),
    ],
)
def test_an_impossible_value_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=field) as caught:
        PoolConfig(**{field: value})
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize(
    "good",
    [
        {"min_size": 0, "max_size": 1},
        {"idle_timeout": 0, "acquire_timeout": 0},
        {"idle_timeout": math.inf, "acquire_timeout": math.inf, "health_check_interval": math.inf},
        {"max_waiting": 1, "max_uses": 1},
        {"create_backoff": (1, 1)},
    ],
)
def test_a_possible_value_is_taken(good: dict[str, Any]) -> None:
    config = PoolConfig(**good)
    assert {name: getattr(config, name) for name in good} == good


@pytest.mark.parametrize(("module", "cls"), [(_config, PoolConfig), (_stats, PoolStatistics)])
def test_every_field_is_documented(module: Any, cls: type) -> None:
    tree = ast.parse(inspect.getsource(module))
    body = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == cls.__name__).body
    fields = [index for index, node in enumerate(body) if isinstance(node, ast.AnnAssign)]
    assert fields
    for index in fields:
        after = body[index + 1] if index + 1 < len(body) else None
        documented = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        assert documented, ast.unparse(body[index])
