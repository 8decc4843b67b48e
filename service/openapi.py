"""The OpenAPI document: FastAPI's, with the security scheme, the refusals' schema and the promise of stability."""

import asyncio
import json
from collections.abc import Mapping
from threading import Lock
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi

from service.http_errors import ProblemDetails
from service.named_enums import enums_named
from service.routes.answer_examples import answer_examples
from service.routes.examples import BODIES, NAMED, OTHERS
from service.routes.table import GIVEN

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


DOCUMENT = "/openapi.json"


def describe(app: FastAPI) -> None:
    """Puts the document in place of FastAPI's own."""
    app.state.document = Document(app)
    app.__dict__["openapi"] = app.state.document.made
    app.add_api_route(DOCUMENT, document, methods=["GET"], include_in_schema=False)


async def document(request: Request) -> Response:
    known: Document = request.app.state.document
    # A second of work, and a megabyte: neither is to hold up the event loop.
    text = known.text or await asyncio.to_thread(known.written)
    return Response(text, media_type="application/json")


class Document:
    """Made once, when first asked for, while others are answered."""

    def __init__(self, app: FastAPI) -> None:
        self.text = b""
        """as it is sent; empty: nobody asked yet"""
        self._app = app
        self._lock = Lock()

    def written(self) -> bytes:
        with self._lock:
            if not self.text:
                self.text = json.dumps(self.made(), ensure_ascii=False, separators=(",", ":")).encode()
        return self.text

    def made(self) -> dict[str, Any]:
        app = self._app
        if app.openapi_schema is None:
            made = get_openapi(
                title="dealtrail",
                version=app.version,
                description=DESCRIPTION,
                routes=app.routes,
                # Who reads a definition sends it again, changed.
                separate_input_output_schemas=False,
            )
            components = made.setdefault("components", {})
            problem = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas = components.setdefault("schemas", {})
            schemas |= problem.pop("$defs", {})
            schemas["ProblemDetails"] = problem
            said = (
                "An API key, made with `dealtrail keys create`; or a token of the OpenID Connect issuer of the settings"
            )
            components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer", "description": said}}
            tidied(made)
            app.openapi_schema = enums_named(called(made, {name: title_of(name) for name in schemas}))
        return app.openapi_schema


def called(made: dict[str, Any], titles: Mapping[str, str]) -> dict[str, Any]:
    """The document with its shapes under these names, which are their titles too."""
    assert len(set(titles.values())) == len(titles), "two shapes of one name in modules of one name"
    addresses = {f"#/components/schemas/{name}": f"#/components/schemas/{title}" for name, title in titles.items()}

    def pointing(told: Any) -> Any:
        if isinstance(told, dict):
            return {
                name: addresses.get(value, value) if name == "$ref" and isinstance(value, str) else pointing(value)
                for name, value in told.items()
            }
        return [pointing(each) for each in told] if isinstance(told, list) else told

    told: dict[str, Any] = pointing(made)
    shapes = told["components"]["schemas"]
    told["components"]["schemas"] = {title: {**shapes[name], "title": title} for name, title in titles.items()}
    return told


def title_of(name: str) -> str:
    """Of a shape: its own alone, for programs that make clients name classes by it, and by no path of Python's.

    Two of one name are told apart by their module ("replay__fates__Listed").
    """
    module, _, own = name.rpartition("__")
    return (module.rpartition("__")[2].title() + own).replace("_", "")


ADDRESSES = {given.name: given.path for given in GIVEN}
BEGUN: Mapping[str, Mapping[str, str]] = {
    "capture_lead": {"lead": "$response.body#/stream_id", "journey": "$response.body#/stream_id"},
    "convert_lead": {"deal": "$response.body#/stream_id", "journey": "$response.body#/stream_id"},
    "open_deal": {"deal": "$response.body#/stream_id", "journey": "$response.body#/stream_id"},
    "set_target": {"target": "$response.body#/stream_id"},
    "create_pipeline": {"pipeline": "$request.body#/pipeline"},
    "publish_definition": {"pipeline": "$request.path.pipeline"},
}
"""what a command begins: the path parameters of later requests about it, and where they are found"""
LATER: Final = ("create_pipeline", "get_pipeline")
"""a pipeline has nothing to show before its first stages"""


def tidied(made: dict[str, Any]) -> None:
    """What FastAPI can't know: left out is not null, an If-Match that is needed is required; examples, links.

    And that a question is not asked what its address says.
    """
    for shape, example in answer_examples().items():
        made["components"]["schemas"][shape]["examples"] = [example]
    for path, operations in made["paths"].items():
        for operation in operations.values():
            name = operation["operationId"]
            named = [each for each in operation.get("parameters", ()) if not asked_twice(each, path)]
            if named:
                operation["parameters"] = named
            if "requestBody" in operation:
                tidied_body(operation["requestBody"], made["components"]["schemas"])
                operation["requestBody"]["content"]["application/json"]["example"] = {**BODIES, **OTHERS}[name]
            for parameter in operation.get("parameters", ()):
                tidied_parameter(parameter, needed="428" in operation["responses"])
    for name, found in BEGUN.items():
        operation = made["paths"][ADDRESSES[name]]["post"]
        done = next(status for status in ("201", "200") if status in operation["responses"])
        followed = links(made["paths"], found)
        operation["responses"][done]["links"] = {to: link for to, link in followed.items() if (name, to) != LATER}


def asked_twice(parameter: dict[str, Any], path: str) -> bool:
    """The pipeline of a question whose address names it already."""
    return parameter["in"] == "query" and f"{{{parameter['name']}}}" in path


def tidied_body(body: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    """It may be left out where nothing of it is needed."""
    content = body["content"]["application/json"]
    content["schema"].pop("default", None)
    shape = schemas[content["schema"]["$ref"].rpartition("/")[2]]
    body["required"] = bool(shape.get("required") or shape.get("minProperties"))


def tidied_parameter(parameter: dict[str, Any], *, needed: bool) -> None:
    schema = parameter["schema"]
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        del schema["anyOf"]
        schema |= choices[0]
    if parameter["name"] == "If-Match" and needed:
        parameter["required"] = True
    if parameter["in"] == "path" or parameter["name"] in ("Idempotency-Key", "If-Match"):
        parameter["example"] = NAMED[parameter["name"]]


def links(paths: dict[str, Any], found: Mapping[str, str]) -> dict[str, Any]:
    """To every operation that is about one of the things found."""
    return {
        operation["operationId"]: {"operationId": operation["operationId"], "parameters": {named: found[named]}}
        for path, operations in paths.items()
        for operation in operations.values()
        for named in found
        if f"{{{named}}}" in path
    }
