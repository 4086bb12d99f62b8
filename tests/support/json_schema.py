"""The part of JSON Schema that the Matrix specification's OpenAPI files use."""

import re
from typing import Any, Iterator

TYPES = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
}


def violations(value: Any, schema: dict, path: str = "$") -> Iterator[str]:
    """What is wrong with a value, one sentence each; nothing for a value that fits."""
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(TYPES[name](value) for name in types):
        yield f"{path} is {shown(value)}, not {' or '.join(types)}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path} is {shown(value)}, not one of {schema['enum']}"
    if "const" in schema and value != schema["const"]:
        yield f"{path} is {shown(value)}, not {schema['const']!r}"
    if isinstance(value, str):
        yield from of_string(value, schema, path)
    elif isinstance(value, dict):
        yield from of_object(value, schema, path)
    elif isinstance(value, list):
        yield from of_array(value, schema, path)
    elif TYPES["number"](value):
        yield from of_number(value, schema, path)
    for part in schema.get("allOf", []):
        yield from violations(value, part, path)
    for key in ("oneOf", "anyOf"):
        if key in schema and not any(fits(value, part) for part in schema[key]):
            yield f"{path} is {shown(value)}, which fits none of its alternatives"


def fits(value: Any, schema: dict) -> bool:
    return next(violations(value, schema), None) is None


def of_string(value: str, schema: dict, path: str) -> Iterator[str]:
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{path} is {shown(value)}, which does not match {schema['pattern']}"


def of_number(value: float, schema: dict, path: str) -> Iterator[str]:
    if "minimum" in schema and value < schema["minimum"]:
        yield f"{path} is {value}, less than {schema['minimum']}"
    if "maximum" in schema and value > schema["maximum"]:
        yield f"{path} is {value}, more than {schema['maximum']}"


def of_array(value: list, schema: dict, path: str) -> Iterator[str]:
    items = schema.get("items")
    if isinstance(items, dict):
        for number, item in enumerate(value):
            yield from violations(item, items, f"{path}[{number}]")


def of_object(value: dict, schema: dict, path: str) -> Iterator[str]:
    for name in schema.get("required", []):
        if name not in value:
            yield f"{path} has no '{name}'"
    properties = schema.get("properties", {})
    patterns = schema.get("patternProperties", {})
    others = schema.get("additionalProperties", True)
    for name, member in value.items():
        below = f"{path}.{name}"
        known = name in properties
        if known:
            yield from violations(member, properties[name], below)
        for pattern, part in patterns.items():
            if re.search(pattern, name):
                known = True
                yield from violations(member, part, below)
        if known or others is True:
            continue
        if others is False:
            yield f"{path} has '{name}', which does not belong there"
        else:
            yield from violations(member, others, below)


def shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 100 else text[:97] + "..."
