"""What users do with an identity server, which is asked over TLS: they invite people by e-mail address, and publish their own."""

import base64
import hashlib
import os
import re
import ssl
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from ed25519 import Ed25519Key, decode, is_signed  # noqa: E402
from matrix_client import MatrixError  # noqa: E402
from weft_cluster import ClusterTestCase  # noqa: E402
from web_peer import WebPeer  # noqa: E402

PEPPER = "salt"


class IdentityServers(ClusterTestCase):
    #: The identity server of these tests is on this machine.
    config = {"ip_range_whitelist": ["127.0.0.1"]}

    def setUp(self) -> None:
        self.known: dict = {}  # address -> user ID
        self.key = Ed25519Key()
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

    @property
    def name(self) -> str:
        return f"127.0.0.1:{self.identity_server.server.server_address[1]}"

    def answer(self, request) -> tuple:
        what = request.path.rpartition("/")[2]
        if what.startswith("isvalid?"):
            return 200, {"valid": True}
        if what == "unbind":
            return self.unbind(request)
        if request.token != "trust":
            return 401, {"errcode": "M_UNAUTHORIZED", "error": "no"}
        if what == "hash_details":
            return 200, {"algorithms": ["sha256"], "lookup_pepper": PEPPER}
        if what == "lookup":
            hashes = {self.hash_of(address): user_id for address, user_id in self.known.items()}
            found = {asked: hashes[asked] for asked in request.body["addresses"] if asked in hashes}
            return 200, {"mappings": found}
        if what == "bind":
            address = request.body["sid"] + "@example.org"
            self.known[address] = request.body["mxid"]
            return 200, {"medium": "email", "address": address, "mxid": request.body["mxid"]}
        key = {
            "public_key": self.key.public,
            "key_validity_url": f"https://{self.name}/_matrix/identity/v2/pubkey/isvalid",
        }
        return 200, {"token": "token1", "display_name": "c...@e...", "public_keys": [key]}

    def unbind(self, request) -> tuple:
        """For whom their own server speaks."""
        parameters = dict(re.findall(r'(\w+)="([^"]*)"', request.token))
        signed = {
            "method": "POST", "uri": request.path, "origin": request.body["mxid"].partition(":")[2], "destination": self.name,
            "content": request.body,
        }  # fmt: skip
        version, seed = (self.cluster.data_dir / "signing.key").read_text().split()[1:3]
        self.assertEqual(parameters["key"], f"ed25519:{version}")
        if not is_signed(signed, parameters["sig"], Ed25519Key(decode(seed)).public):
            return 403, {"errcode": "M_FORBIDDEN", "error": "not signed"}
        self.known.pop(request.body["threepid"]["address"])
        return 200, {}

    @staticmethod
    def hash_of(address: str) -> str:
        digest = hashlib.sha256(f"{address} email {PEPPER}".encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def test_people_are_invited_by_address_and_prove_to_be_meant(self):
        alice, bob, carol = (self.cluster.register(name) for name in ("alice", "bob", "carol"))
        room_id = alice.create_room(preset="private_chat", name="Loom")
        self.known["bob@example.org"] = bob.user_id
        invite = {"id_server": self.name, "id_access_token": "trust", "medium": "email", "address": "bob@example.org"}
        alice.post(f"/rooms/{room_id}/invite", invite)
        self.assertIn(room_id, bob.get("/sync")["rooms"]["invite"])

        reader = alice.sibling(self.cluster.url_of(self.cluster.names("client_reader")[0]))
        reader.post(f"/rooms/{room_id}/invite", {**invite, "address": "carol@example.org"})
        reader.close()
        announced = alice.get(f"/rooms/{room_id}/state/m.room.third_party_invite/token1")
        self.assertEqual(announced["display_name"], "c...@e...")
        self.assertEqual(self.identity_server.received[-1].body["room_name"], "Loom")

        proof = {"mxid": carol.user_id, "sender": alice.user_id, "token": "token1"}
        forged = Ed25519Key().sign(proof, self.name, "ed25519:0")
        with self.assertRaises(MatrixError) as refused:
            carol.post(f"/join/{room_id}", {"third_party_signed": forged})
        self.assertEqual(refused.exception.errcode, "M_FORBIDDEN")
        carol.post(f"/join/{room_id}", {"third_party_signed": self.key.sign(proof, self.name, "ed25519:0")})
        self.assertIn(carol.user_id, alice.get(f"/rooms/{room_id}/joined_members")["joined"])

    def test_addresses_are_published_and_taken_back(self):
        alice = self.cluster.register("alice")
        session = {"id_server": self.name, "id_access_token": "trust", "sid": "alice", "client_secret": "s3cret"}
        with self.assertRaises(MatrixError) as refused:
            alice.post("/account/3pid/bind", {**session, "id_access_token": "stolen"})
        self.assertEqual((refused.exception.status, refused.exception.errcode), (403, "M_FORBIDDEN"))
        alice.post("/account/3pid/bind", session)
        self.assertEqual(self.known, {"alice@example.org": alice.user_id})
        address = {"medium": "email", "address": "alice@example.org"}
        self.assertEqual(alice.post("/account/3pid/unbind", address), {"id_server_unbind_result": "success"})
        self.assertEqual(self.known, {})
        self.assertEqual(alice.post("/account/3pid/unbind", address), {"id_server_unbind_result": "no-support"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
