"""`weft register`: makes an account with the shared secret, on the server's admin endpoint."""

import hashlib
import hmac
import http.client
import json
import secrets
from typing import Optional

from launcher import configs
from launcher.cluster import HOST, Cluster
from launcher.console import LauncherError

PATH = "/_synapse/admin/v1/register"


def register(cluster: Cluster, user: str, password: Optional[str], admin: bool) -> tuple:
    """(user ID, password) of the new account; a password is made up where none is given."""
    password = password or secrets.token_urlsafe(15)
    shared_secret = configs.ensure_secrets(cluster)["registration_shared_secret"]
    nonce = call(cluster, "GET")["nonce"]
    account = {
        "nonce": nonce,
        "username": user,
        "password": password,
        "admin": admin,
        "mac": mac(shared_secret, nonce, user, password, admin),
    }
    return call(cluster, "POST", account)["user_id"], password


def mac(shared_secret: str, nonce: str, user: str, password: str, admin: bool) -> str:
    """HMAC-SHA1 over the fields with NUL between them: proves that we know the secret."""
    text = "\0".join([nonce, user, password, "admin" if admin else "notadmin"])
    return hmac.new(shared_secret.encode(), text.encode(), hashlib.sha1).hexdigest()


def call(cluster: Cluster, method: str, body: Optional[dict] = None) -> dict:
    connection = http.client.HTTPConnection(HOST, cluster.port, timeout=30)
    try:
        content = None if body is None else json.dumps(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        connection.request(method, PATH, content, headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError) as problem:
        raise LauncherError(f"{cluster.url} does not answer ({problem}); is it up?") from None
    finally:
        connection.close()
    if response.status != 200:
        raise LauncherError(f"{answer.get('errcode')}: {answer.get('error')}")
    return answer
