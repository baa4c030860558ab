"""The OpenAPI document is what the specification of OpenAPI 3.1 says; the validator takes seconds for each app."""

import json

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from engine.compiler import compile_app
from engine.definitions import Sources, read_sources
from engine.fields.json_text import encode_json
from tests.contract.test_openapi import APPS, FILES


@pytest.mark.parametrize("sources", [*map(read_sources, APPS), Sources(".", FILES)], ids=lambda one: one.root)
def test_the_document_is_valid(sources):
    document = json.loads(encode_json(compile_app(sources).openapi))
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
