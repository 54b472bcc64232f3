"""What schemathesis cannot know from the document."""

import schemathesis

# Only a server can make a page token or the tag of a version, and a key that was used before stands for
# the request that it was used with. All have tests of their own.
NOT_TO_BE_MADE_UP = {"pageToken", "Idempotency-Key", "If-Match"}


@schemathesis.hook
def before_process_path(context, path, methods):
    for operation in methods.values():
        parameters = operation.get("parameters", [])
        operation["parameters"] = [it for it in parameters if it["name"] not in NOT_TO_BE_MADE_UP]


@schemathesis.hook
def filter_query(context, query):
    """A list of one is written like a single value, which is therefore not wrong."""
    parameters = context.operation.definition.raw.get("parameters", [])
    lists = [it["name"] for it in parameters if it.get("schema", {}).get("type") == "array"]
    return all(isinstance((query or {}).get(name, []), list) for name in lists)
