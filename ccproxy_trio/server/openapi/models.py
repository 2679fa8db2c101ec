"""GET /v1/models and GET /v1/models/{name}, in either dialect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccproxy_trio.dialects.openai.models import OWNER

from .messages import BETA
from .operations import json_answer
from .shapes import COUNT, FLAG, NULL, TEXT, Json, array, nullable, obj, ref, refs, words

if TYPE_CHECKING:
    from .failures import Dialect
    from .operations import Server

_DIALECT: Json = {
    "name": "anthropic-version",
    "in": "header",
    "description": "With it the answer is the Messages API's, without it OpenAI's.",
    "schema": {"type": "string", "examples": ["2023-06-01"]},
}
_NAME: Json = {
    "name": "name",
    "in": "path",
    "required": True,
    "description": "Any name that the model goes by. It may hold slashes.",
    "schema": {"type": "string", "minLength": 1},
    "examples": {"alias": {"value": "sonnet"}},
}
_ID = "The id, or another name, of a model. In the Messages API's dialect alone, as all of the query."
_STAGES = "`active`, `deprecated` or `retired`; all models here are active."


def model_operations(server: Server) -> dict[str, Json]:
    """By path; those under `/openai` are always in OpenAI's dialect."""
    found: dict[str, Json] = {}
    kinds: tuple[tuple[str, str, Dialect], ...] = (
        ("/v1", "", "Either"),
        ("/openai/v1", "UnderOpenAI", "OpenAI"),
    )
    for prefix, suffix, dialect in kinds:
        both = dialect == "Either"
        headers = [_DIALECT, BETA_IGNORED] if both else []
        found[f"{prefix}/models"] = {
            "get": server.describe(
                *("List the models", f"listModels{suffix}", dialect),
                json_answer(refs(["ModelPage", "ModelList"]) if both else ref("ModelList")),
                tag="models",
                parameters=[*headers, *(_query() if both else ())],
                upstream=True,
            )
        }
        found[f"{prefix}/models/{{name}}"] = {
            "get": server.describe(
                *("Tell of a model", f"getModel{suffix}", dialect),
                json_answer(refs(["Model", "ModelObject"]) if both else ref("ModelObject")),
                tag="models",
                parameters=[_NAME, *headers],
                upstream=True,
            )
        }
    return found


BETA_IGNORED: Json = {**BETA, "description": "Ignored.", "schema": TEXT}


def model_schemas() -> dict[str, Json]:
    """The components."""
    unknown = ("capabilities", "max_input_tokens", "max_tokens", "deprecated_at", "retires_at")
    model: dict[str, Json] = {
        "type": words("model"),
        "id": TEXT,
        "display_name": TEXT,
        "created_at": {**TEXT, "format": "date-time"},
        "lifecycle": words("active"),
        "line": nullable(TEXT),
        **dict.fromkeys(unknown, NULL),
    }
    page: dict[str, Json] = {
        "data": array(ref("Model")),
        "has_more": FLAG,
        **dict.fromkeys(("first_id", "last_id"), nullable(TEXT)),
    }
    listed: dict[str, Json] = {
        "id": TEXT,
        "object": words("model"),
        "created": COUNT,
        "owned_by": words(OWNER),
    }
    return {
        "Model": obj(model, *model),
        "ModelPage": obj(page, *page),
        "ModelObject": obj(listed, *listed),
        "ModelList": obj({"object": words("list"), "data": array(ref("ModelObject"))}, "object", "data"),
    }


def _query() -> list[Json]:
    return [
        _asked("limit", TEXT, "An integer from 1 to 1000, 20 if there is none. Likewise."),
        _asked("after_id", TEXT, _ID),
        _asked("before_id", TEXT, _ID),
        _asked("lifecycle", array(TEXT), _STAGES),
    ]


def _asked(name: str, shape: Json, said: str) -> Json:
    return {"name": name, "in": "query", "description": said, "schema": shape}
