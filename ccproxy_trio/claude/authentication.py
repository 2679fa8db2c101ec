"""How the CLI authenticates itself. We choose which variables reach it; we never read a login.

`environment` is an API key, an auth token or a cloud provider, given by variables; the CLI can then run `--bare`,
so that nothing but the client's own messages goes upstream. `login` is the CLI's own, in its configuration folder
or in `CLAUDE_CODE_OAUTH_TOKEN`; `--bare` would refuse it.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEYS = {"ANTHROPIC_API_KEY": "API key", "ANTHROPIC_AUTH_TOKEN": "auth token"}
_LOGIN_TOKEN = "CLAUDE_CODE_OAUTH_TOKEN"

_AWS = """
AWS_REGION AWS_DEFAULT_REGION AWS_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
AWS_BEARER_TOKEN_BEDROCK AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE AWS_ROLE_ARN AWS_WEB_IDENTITY_TOKEN_FILE
AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CA_BUNDLE
CLAUDE_CODE_SKIP_BEDROCK_AUTH ANTHROPIC_BEDROCK_BASE_URL ANTHROPIC_SMALL_FAST_MODEL_AWS_REGION
ANTHROPIC_BEDROCK_SERVICE_TIER
CLAUDE_CODE_USE_MANTLE CLAUDE_CODE_SKIP_MANTLE_AUTH ANTHROPIC_BEDROCK_MANTLE_BASE_URL
CLAUDE_CODE_SKIP_ANTHROPIC_AWS_AUTH ANTHROPIC_AWS_BASE_URL ANTHROPIC_AWS_WORKSPACE_ID ANTHROPIC_AWS_API_KEY
"""
_GOOGLE = """
ANTHROPIC_VERTEX_PROJECT_ID ANTHROPIC_VERTEX_BASE_URL CLOUD_ML_REGION CLAUDE_CODE_SKIP_VERTEX_AUTH
GOOGLE_APPLICATION_CREDENTIALS GOOGLE_CLOUD_PROJECT GCLOUD_PROJECT VERTEX_REGION_CLAUDE_*
"""
_AZURE = """
ANTHROPIC_FOUNDRY_RESOURCE ANTHROPIC_FOUNDRY_BASE_URL ANTHROPIC_FOUNDRY_API_KEY ANTHROPIC_FOUNDRY_AUTH_TOKEN
CLAUDE_CODE_SKIP_FOUNDRY_AUTH
AZURE_CLIENT_ID AZURE_CLIENT_SECRET AZURE_TENANT_ID
"""
_PROVIDERS = {
    "CLAUDE_CODE_USE_BEDROCK": ("Amazon Bedrock", _AWS),
    "CLAUDE_CODE_USE_MANTLE": ("Amazon Bedrock's Messages API", _AWS),
    "CLAUDE_CODE_USE_ANTHROPIC_AWS": ("Claude Platform on AWS", _AWS),
    "CLAUDE_CODE_USE_VERTEX": ("Google Vertex AI", _GOOGLE),
    "CLAUDE_CODE_USE_FOUNDRY": ("Microsoft Foundry", _AZURE),
}


@frozen
class Authentication:
    """What the CLI will use: `description` for people, `variables` that are passed, and whether `--bare` may be."""

    description: str
    variables: frozenset[str]
    bare: bool

    @classmethod
    def none(cls) -> Authentication:
        """For what never asks the API."""
        return cls("none needed", frozenset(), bare=True)


def choose_authentication(auth: str, environ: Mapping[str, str]) -> Authentication:
    """`auth` is auto, environment or login; auto takes the environment's credentials when there are any."""
    given = None if auth == "login" else _from_environment(environ)
    if given is not None:
        return given
    if auth == "environment":
        return Authentication("environment, but no credential variable is set", frozenset(_KEYS), bare=True)
    if environ.get(_LOGIN_TOKEN):
        return Authentication(f"login token from {_LOGIN_TOKEN}", frozenset({_LOGIN_TOKEN}), bare=False)
    return Authentication("the CLI's own login", frozenset(), bare=False)


def _from_environment(environ: Mapping[str, str]) -> Authentication | None:
    for switch, (name, patterns) in _PROVIDERS.items():
        if environ.get(switch, "").lower() in {"1", "true", "yes", "on"}:
            variables = {given for given in environ for each in patterns.split() if fnmatchcase(given, each)}
            return Authentication(f"{name} ({switch})", frozenset({switch, *variables}), bare=True)
    for variable, name in _KEYS.items():
        if environ.get(variable):
            return Authentication(f"{name} from {variable}", frozenset({variable}), bare=True)
    return None
