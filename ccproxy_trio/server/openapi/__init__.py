"""What the server takes and answers, as an OpenAPI document: plain dictionaries, from the project's own tables."""

from .document import build_document as build_document
from .page import OpenAPI as OpenAPI
