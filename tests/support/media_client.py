"""Uploads and downloads, as bytes; beside `matrix_client`, which speaks JSON."""

import http.client
import json
import struct
import zlib
from dataclasses import dataclass
from urllib.parse import quote, urlsplit


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    def json(self) -> dict:
        return json.loads(self.body)


class MediaClient:
    """Media of one account. `client` is a `matrix_client.Client`; `url` another process than it asks."""

    def __init__(self, client, url: str = ""):
        self.token = client.token
        self.address = urlsplit(url or client.url).netloc

    def request(self, method: str, path: str, body=None, **headers) -> Answer:
        """`body` may be a file: it is sent as it is read."""
        connection = http.client.HTTPConnection(self.address, timeout=120)
        headers["Authorization"] = f"Bearer {self.token}"
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            # The proxy writes their names in small letters.
            headers = {name.title(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, response.read())
        finally:
            connection.close()

    def upload(self, content, type_: str = "image/png", name: str = "") -> str:
        """The mxc:// URI."""
        path = "/_matrix/media/v3/upload" + (f"?filename={quote(name)}" if name else "")
        answer = self.request("POST", path, content, **{"Content-Type": type_})
        assert answer.status == 200, answer
        return answer.json()["content_uri"]

    def download(self, uri: str) -> Answer:
        return self.request("GET", f"/_matrix/client/v1/media/download/{uri[len('mxc://'):]}")

    def thumbnail(self, uri: str, width: int, height: int, method: str = "scale") -> Answer:
        query = f"?width={width}&height={height}&method={method}"
        return self.request("GET", f"/_matrix/client/v1/media/thumbnail/{uri[len('mxc://'):]}{query}")


def png(width: int, height: int) -> bytes:
    """A picture of one colour."""

    def chunk(type_: bytes, data: bytes) -> bytes:
        body = type_ + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\0" + b"\x20\x80\xf0" * width) * height
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts
