"""Plain values into hypercorn's configuration, and the guards of the hook."""

import pytest
from hypercorn.config import Config

from ccproxy_trio.server.transport import hypercorn_config, repair_hypercorn

from .small_app import put_in_place


def test_values_arrive() -> None:
    config = hypercorn_config(host="::1", port=0, grace=7.5, keep_alive_timeout=11.0, max_header_size=4096)
    assert config.bind == ["[::1]:0"]
    assert (config.graceful_timeout, config.keep_alive_timeout, config.h11_max_incomplete_size) == (
        7.5,
        11.0,
        4096,
    )
    assert config.alpn_protocols == ["http/1.1"]
    assert config.response_headers("h11") == []
    assert config.log.access_logger is None
    assert config.log.error_logger is not None
    assert config.log.error_logger.name == "ccproxy_trio.server"


def test_http_2_is_not_offered_over_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Config, "alpn_protocols", ["h2", "http/1.1"])
    put_in_place(monkeypatch, repaired=True)
    assert Config().alpn_protocols == ["http/1.1"]


@pytest.mark.parametrize("write_timeout", [0, -1.0, float("nan")])
def test_write_timeout_that_makes_no_sense(write_timeout: float) -> None:
    with pytest.raises(ValueError, match="write_timeout must be positive"):
        repair_hypercorn(write_timeout=write_timeout)


def test_another_hypercorn_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ccproxy_trio.server.transport.tcp_server.version", lambda name: "0.19.0")
    with pytest.raises(RuntimeError, match=r"hypercorn 0\.19\.0 is installed, but the repairs are for 0\.18"):
        repair_hypercorn(write_timeout=1)
