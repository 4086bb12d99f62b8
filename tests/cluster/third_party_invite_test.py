"""People are invited by e-mail address, by way of an identity server that is asked over TLS."""

import base64
import hashlib
import os
import ssl
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from weft_cluster import ClusterTestCase  # noqa: E402
from web_peer import WebPeer  # noqa: E402

PEPPER = "salt"
KEY = {"public_key": "A" * 43, "key_validity_url": "https://id.example/_matrix/identity/v2/pubkey/isvalid"}


class ThirdPartyInvites(ClusterTestCase):
    #: The identity server of these tests is on this machine.
    config = {"ip_range_whitelist": ["127.0.0.1"]}

    def setUp(self) -> None:
        self.known: dict = {}  # address -> user ID
        self.identity_server = WebPeer(self.answer)
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        certificate, key = Path(directory.name) / "cert.pem", Path(directory.name) / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
             "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
            check=True, capture_output=True,
        )  # fmt: skip
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server = self.identity_server.server
        server.socket = context.wrap_socket(server.socket, server_side=True)
        self.identity_server.start()
        self.addCleanup(self.identity_server.close)
        # The processes trust it as one of the system's authorities.
        before = os.environ.get("SSL_CERT_FILE")
        os.environ["SSL_CERT_FILE"] = str(certificate)
        self.addCleanup(lambda: os.environ.pop("SSL_CERT_FILE") if before is None else os.environ.update(SSL_CERT_FILE=before))
        super().setUp()

    def answer(self, request) -> tuple:
        what = request.path.rpartition("/")[2]
        if request.token != "trust":
            return 401, {"errcode": "M_UNAUTHORIZED", "error": "no"}
        if what == "hash_details":
            return 200, {"algorithms": ["sha256"], "lookup_pepper": PEPPER}
        if what == "lookup":
            hashes = {self.hash_of(address): user_id for address, user_id in self.known.items()}
            found = {asked: hashes[asked] for asked in request.body["addresses"] if asked in hashes}
            return 200, {"mappings": found}
        return 200, {"token": "token1", "display_name": "c...@e...", "public_keys": [KEY]}

    @staticmethod
    def hash_of(address: str) -> str:
        digest = hashlib.sha256(f"{address} email {PEPPER}".encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def test_known_addresses_are_invited_and_others_announced_by_any_process(self):
        alice, bob = self.cluster.register("alice"), self.cluster.register("bob")
        room_id = alice.create_room(preset="private_chat", name="Loom")
        self.known["bob@example.org"] = bob.user_id
        invite = {
            "id_server": f"127.0.0.1:{self.identity_server.server.server_address[1]}",
            "id_access_token": "trust", "medium": "email", "address": "bob@example.org",
        }  # fmt: skip
        alice.post(f"/rooms/{room_id}/invite", invite)
        self.assertIn(room_id, bob.get("/sync")["rooms"]["invite"])

        reader = alice.sibling(self.cluster.url_of(self.cluster.names("client_reader")[0]))
        reader.post(f"/rooms/{room_id}/invite", {**invite, "address": "carol@example.org"})
        reader.close()
        announced = alice.get(f"/rooms/{room_id}/state/m.room.third_party_invite/token1")
        self.assertEqual(announced["display_name"], "c...@e...")
        self.assertEqual(self.identity_server.received[-1].body["room_name"], "Loom")


if __name__ == "__main__":
    unittest.main(verbosity=2)
