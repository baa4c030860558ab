"""The OpenAPI 3.1 document of an app: its schema and its routes in, one JSON object out."""

from engine.openapi.document import build_openapi
from engine.openapi.operations import DESCRIBED

__all__ = ["DESCRIBED", "build_openapi"]
