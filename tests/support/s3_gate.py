"""Checks AWS signatures (version 4) in front of an S3 server that does not: s3rver believes any.

Written from Amazon's description ("Signature Calculations for the Authorization Header"), apart from the code
under test.
"""

import hashlib
import hmac
import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FORWARDED = ("Content-Type", "Content-Length", "x-amz-date", "x-amz-content-sha256", "Authorization")


def signature(secret: str, region: str, method: str, path: str, headers) -> str:
    """The signature that a request with these headers must have."""
    fields = headers["Authorization"].partition("SignedHeaders=")[2].partition(",")[0]
    lines = [f"{name}:{headers[name].strip()}" for name in fields.split(";")]
    payload = headers["x-amz-content-sha256"]
    request = "\n".join([method, path, "", *lines, "", fields, payload])
    date = headers["x-amz-date"]
    scope = [date[:8], region, "s3", "aws4_request"]
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", date, "/".join(scope), digest])
    key = ("AWS4" + secret).encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, text.encode(), "sha256").hexdigest()


class S3Gate:
    """Listens on `port`; what is signed with `secret` goes on to the server on `behind`, the rest is refused."""

    def __init__(self, behind: int, secret: str, region: str):
        self.refused = 0
        gate = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                expected = signature(secret, region, self.command, self.path, self.headers)
                signed = self.headers["Authorization"].endswith(f"Signature={expected}")
                whole = hashlib.sha256(body).hexdigest() == self.headers["x-amz-content-sha256"]
                if not (signed and whole):
                    gate.refused += 1
                    self.answer(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
                    return
                connection = http.client.HTTPConnection("127.0.0.1", behind, timeout=30)
                headers = {name: self.headers[name] for name in FORWARDED if name in self.headers}
                connection.request(self.command, self.path, body, headers)
                response = connection.getresponse()
                self.answer(response.status, response.read())
                connection.close()

            def answer(self, status: int, content: bytes) -> None:
                self.send_response(status)
                if status != 204:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_PUT = do_DELETE = handle_one

            def log_message(self, *_) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
