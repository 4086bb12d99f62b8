"""Asks running processes how they are, over their metrics listener."""

import http.client
import json
from typing import Optional

from launcher.cluster import HOST


def get(port: int, path: str, timeout: float = 2) -> tuple:
    """(status, body) of a GET on the loopback interface; (0, b"") when nobody answers."""
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def get_json(port: int, path: str, timeout: float = 2) -> tuple:
    """(status, parsed body); None for the body when it is no JSON object."""
    status, body = get(port, path, timeout)
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    return status, value if isinstance(value, dict) else None


def health(metrics_port: int) -> str:
    """`ready`, `starting`, `draining`, or `unreachable`."""
    status, body = get_json(metrics_port, "/health")
    if status == 0:
        return "unreachable"
    stated = (body or {}).get("status")
    return stated if isinstance(stated, str) else ("ready" if status == 200 else "unhealthy")


def is_ready(metrics_port: int) -> bool:
    return get(metrics_port, "/health")[0] == 200


def status(metrics_port: int) -> Optional[dict]:
    code, body = get_json(metrics_port, "/_weft/status")
    return body if code == 200 else None


def serves_clients(public_port: int) -> bool:
    return get(public_port, "/_matrix/client/versions", timeout=5)[0] == 200
