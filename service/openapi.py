"""The OpenAPI document: FastAPI's, with the security scheme, the refusals' schema and the promise of stability."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from service.http_errors import ProblemDetails

DESCRIPTION = """\
Commands in, answers out, history for auditors.

- Every **command** is a POST with an `Idempotency-Key`: sent again with the same key it gives its first answer,
  and does nothing twice. `If-Match` with the version you saw refuses it (412) where somebody was faster.
- Every **answer** says what it was computed from: pipeline, definition, as_of, known_at, log position. It knows
  of every command that was accepted before it was asked.
- Every **refusal** is `application/problem+json`; its `type` stays the same, its `detail` is for people.

What stays stable under /v1: paths, operation ids, fields, type tags of events, types of problems. Fields and
problem types may be added; nothing is removed or changed in meaning.
"""


def describe(app: FastAPI) -> None:
    """Puts the document in place of FastAPI's own; made once, when first asked for."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(title="dealtrail", version=app.version, description=DESCRIPTION, routes=app.routes)
            components = made.setdefault("components", {})
            problem = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas = components.setdefault("schemas", {})
            schemas |= problem.pop("$defs", {})
            schemas["ProblemDetails"] = problem
            said = (
                "An API key, made with `dealtrail keys create`; or a token of the OpenID Connect issuer of the settings"
            )
            components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer", "description": said}}
            app.openapi_schema = made
        return app.openapi_schema

    app.__dict__["openapi"] = document
