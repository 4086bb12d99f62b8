"""An HTTP server of somebody else, for tests: keeps what it is sent and answers as it is told."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Callable, Optional


class Received:
    """One request."""

    def __init__(self, method: str, path: str, headers, body: bytes):
        self.method = method
        self.path = path
        self.token = (headers.get("Authorization") or "").removeprefix("Bearer ")
        self.body = json.loads(body) if body else None

    def __repr__(self) -> str:
        return f"{self.method} {self.path} {json.dumps(self.body)}"


class WebPeer:
    """`answer` is given each request and returns (status, JSON)."""

    def __init__(self, answer: Optional[Callable] = None):
        self.answer = answer or (lambda request: (200, {}))
        self.received: list = []
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def respond(self):
                length = int(self.headers.get("Content-Length") or 0)
                request = Received(self.command, self.path, self.headers, self.rfile.read(length))
                peer.received.append(request)
                status, content = peer.answer(request)
                text = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = respond

            def log_message(self, *_):
                """Requests are in `received`."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def start(self) -> "WebPeer":
        self.thread.start()
        return self

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join(timeout=10)
        self.server.server_close()
