"""The official client's own tests pass against the server, but for those that `expected.toml` lists with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sdk.suite import PATIENCE, Suite

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.timeout(2 * PATIENCE)
def test_as_expected(suite: Suite, demo_url: str, tmp_path: Path) -> None:
    if found := suite.run(f"{demo_url}/v1", tmp_path):
        pytest.fail("\n".join(found), pytrace=False)
