"""Checks the document of a gateway: it is valid OpenAPI, its examples are valid,
and every error that it names is explained. Argument: the gateway's URL."""

import json
import sys
import urllib.request

import jsonschema
import openapi_spec_validator

base = sys.argv[1]
checked = 0


def get(path):
    headers = {"accept": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(base + path, headers=headers)) as answer:
        return json.load(answer)


def conforms(value, schema, where):
    """References in a schema are read from the root of the document."""
    global checked
    root = {**schema, "components": document["components"]}
    try:
        jsonschema.Draft202012Validator(root).validate(value)
    except jsonschema.ValidationError as error:
        sys.exit(f"the example at {where} is not valid: {error.message}")
    checked += 1


def walk(node, where):
    if isinstance(node, list):
        for index, child in enumerate(node):
            walk(child, f"{where}/{index}")
    if not isinstance(node, dict):
        return
    if "schema" in node and "example" in node:
        conforms(node["example"], node["schema"], where)
    if "type" in node and isinstance(node.get("examples"), list):
        for example in node["examples"]:
            conforms(example, node, where)
    for name, child in node.items():
        walk(child, f"{where}/{name}")


document = get("/openapi.json")
openapi_spec_validator.validate(document)
walk(document, "#")
assert checked > 50, f"only {checked} examples"

operations = [it for methods in document["paths"].values() for it in methods.values()]
named = {code for operation in operations for code in operation["x-mainstay-errors"]}
explained = {entry["code"]: entry for entry in get("/docs/errors")["problems"]}
assert named <= explained.keys(), named - explained.keys()
for code, entry in explained.items():
    for place in (entry["type"], f"/docs/errors/{code}", f"/docs/errors/{code.lower()}"):
        assert get(place) == entry, place

for fault in get("/docs/errors")["faults"]:
    code = fault["code"]
    assert get(f"/docs/errors/{code}") in (fault, explained.get(code)), fault

print(f"{len(operations)} operations, {checked} examples, {len(explained)} errors explained")
