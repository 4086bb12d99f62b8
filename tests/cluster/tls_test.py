"""A cluster whose processes talk under TLS, and strangers who try to join in."""

import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Optional

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from matrix_client import SyncLoop  # noqa: E402
from weft_cluster import TOP, ClusterTestCase  # noqa: E402


def certificates(test: unittest.TestCase, *names: str) -> Path:
    """A directory with an authority of its own and certificates for these names."""
    directory = Path(tempfile.mkdtemp(prefix="weft-test-certs-", dir="/tmp"))
    test.addCleanup(shutil.rmtree, directory)
    subprocess.run(
        [str(TOP / "weft"), "certs", str(directory), *names],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "WEFT_SKIP_DEPS": "1"},
    )
    return directory


class Tls(ClusterTestCase):
    def setUp(self) -> None:
        # The launcher gives all processes one file: they share a certificate for their host.
        self.files = certificates(self, "cluster=127.0.0.1")
        self.config = {
            "replication_tls": {
                "ca": str(self.files / "ca.crt"),
                "certificate": str(self.files / "cluster.crt"),
                "key": str(self.files / "cluster.key"),
            }
        }
        super().setUp()

    def test_events_and_typing_cross_and_strangers_do_not_get_in(self):
        alice, bob, room_id = self.room_of_two()
        listening = SyncLoop(bob).start()
        self.addCleanup(listening.stop)
        alice.send(room_id, "under cover")
        listening.wait_for_body(room_id, "under cover")
        alice.set_typing(room_id, True)
        listening.wait_for(
            "alice is typing",
            lambda: any(e["type"] == "m.typing" for e in list(listening.ephemeral)),
        )
        self.cluster.wait_healthy()

        ports = self.cluster.processes()["master"]["ports"]
        for use in ("replication", "rpc"):
            with self.subTest(port=use):
                self.assertEqual(self.first_bytes(ports[use], None), b"", "in the clear")
                self.assertEqual(self.first_bytes(ports[use], context(self.files, None)), b"")
                others = certificates(self, "cluster=127.0.0.1")
                stranger = context(self.files, others / "cluster")
                self.assertEqual(self.first_bytes(ports[use], stranger), b"", "another authority")
        member = context(self.files, self.files / "cluster")
        self.assertTrue(self.first_bytes(ports["replication"], member).startswith(b"SERVER "))

    def first_bytes(self, port: int, tls: Optional[ssl.SSLContext]) -> bytes:
        """What a listener says to an HTTP request; nothing if it closes."""
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            try:
                if not tls:
                    return plain(ask(connection))
                with tls.wrap_socket(connection, server_hostname="127.0.0.1") as secure:
                    return ask(secure)
            except OSError:  # an SSLError is one
                return b""


def ask(connection: socket.socket) -> bytes:
    connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return connection.recv(100)


def plain(data: bytes) -> bytes:
    """Without a TLS alert, which is no answer to who does not speak TLS."""
    return b"" if data.startswith(b"\x15") else data


def context(files: Path, own: Optional[Path]) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=str(files / "ca.crt"))
    if own:
        made.load_cert_chain(f"{own}.crt", f"{own}.key")
    return made


if __name__ == "__main__":
    unittest.main(verbosity=2)
