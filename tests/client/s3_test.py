"""Media in an S3 store: s3rver, behind a gate that checks the signature of every request."""

import shutil
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path[:0] = [str(TOP / "tests" / "support"), str(TOP / "deploy")]

from launcher import testing  # noqa: E402
from matrix_client import wait_for  # noqa: E402
from media_client import MediaClient, png  # noqa: E402
from s3_gate import S3Gate  # noqa: E402
from weft_cluster import Cluster, free_port  # noqa: E402

PROGRAM = HERE / "node_modules" / "s3rver" / "bin" / "s3rver.js"
BUCKET = "weft-media"
SECRET = "S3RVER"  # s3rver's only account, and its password
REGION = "eu-central-1"


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class S3(unittest.TestCase):
    def setUp(self) -> None:
        testing.install_node_modules()
        self.directory = Path(tempfile.mkdtemp(prefix="weft-s3-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.port = free_port()
        self.start_s3()

    def start_s3(self) -> None:
        command = ["node", str(PROGRAM), "-s", "-a", "127.0.0.1", "-p", str(self.port)]
        command += ["-d", str(self.directory), "--no-vhost-buckets", "--configure-bucket", BUCKET]
        server = subprocess.Popen(command)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        wait_for("the S3 server answers", lambda: answers(self.port))
        self.gate = S3Gate(self.port, SECRET, REGION)
        self.addCleanup(self.gate.close)

    def start_cluster(self, secret: str = SECRET) -> None:
        s3 = {
            "endpoint_url": f"http://127.0.0.1:{self.gate.port}",
            "bucket": BUCKET,
            "region_name": REGION,
            "access_key_id": "S3RVER",
            "secret_access_key": secret,
            "prefix": "loom/",
        }
        self.cluster = Cluster("synchrotron=1,event_persister=1,media=1", {"media_s3": s3})
        self.addCleanup(self.cluster.stop)
        self.cluster.start()
        self.alice = self.cluster.register("alice")
        self.media = MediaClient(self.alice)

    def objects(self) -> list:
        """What the S3 server holds of ours; it keeps each object as files beside one another."""
        bucket = self.directory / BUCKET / "loom"
        return [file for file in bucket.rglob("*") if file.name.endswith("_object")]

    def empty_the_cache(self) -> None:
        shutil.rmtree(self.cluster.data_dir / "media_store")

    def test_media_live_in_the_store_and_the_directory_is_a_cache(self):
        self.start_cluster()
        large = png(1500, 1000) + bytes(range(256)) * 20_000
        picture = self.media.upload(png(600, 400), name="cloth.png")
        file = self.media.upload(large, "application/octet-stream")
        self.assertEqual(self.media.thumbnail(picture, 96, 96, "crop").status, 200)
        self.assertEqual(len(self.objects()), 3)

        self.empty_the_cache()
        self.assertEqual(self.media.download(file).body, large)
        self.assertEqual(self.media.thumbnail(picture, 96, 96, "crop").status, 200)
        self.assertEqual(self.media.thumbnail(picture, 320, 240).status, 200)
        self.assertEqual(self.media.download(picture).body, png(600, 400))
        self.assertEqual(self.gate.refused, 0)

    def test_deleted_media_are_deleted_in_the_store(self):
        self.start_cluster()
        uri = self.media.upload(png(600, 400))
        self.cluster.sql(f"UPDATE users SET admin = 1 WHERE name = '{self.alice.user_id}'")
        admin = self.cluster.client()
        admin.login(self.alice.user_id)
        answer = MediaClient(admin).request(
            "DELETE", f"/_synapse/admin/v1/media/{uri[len('mxc://'):]}"
        )
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(self.objects(), [])

    def test_an_upload_that_the_store_refuses_is_no_upload(self):
        self.start_cluster(secret="not the secret")
        answer = self.media.request("POST", "/_matrix/media/v3/upload", png(10, 10))
        self.assertEqual(answer.status, 500)
        self.assertEqual(self.gate.refused, 1)
        self.assertEqual(self.objects(), [])
        self.assertEqual(self.cluster.sql("SELECT count(*) FROM local_media_repository"), "0")


if __name__ == "__main__":
    unittest.main(verbosity=2)
