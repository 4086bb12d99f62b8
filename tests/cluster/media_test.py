"""Media on real clusters: by a `media` worker or the master, large files without memory for them."""

import random
import sys
import tempfile
import threading
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests" / "support"), str(TOP / "deploy")]

from media_client import MediaClient, png  # noqa: E402
from weft_cluster import ClusterTestCase, is_sanitized  # noqa: E402

MEGABYTE = 1024 * 1024


def peak_rss(pid: int) -> int:
    """The most memory a process has had at once, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


class MediaWorker(ClusterTestCase):
    scale = "synchrotron=1,event_persister=1,client_reader=1,media=1"

    def setUp(self) -> None:
        super().setUp()
        self.alice = self.cluster.register("alice")
        self.media = MediaClient(self.alice)

    def test_large_files_pass_through_without_being_held_in_memory(self):
        pid = self.cluster.processes()["media1"]["pid"]
        before = peak_rss(pid)
        size = 48 * MEGABYTE
        with tempfile.TemporaryFile() as file:
            content = random.Random(1).randbytes(size)
            file.write(content)
            uris = []

            def upload() -> None:
                with open(f"/proc/self/fd/{file.fileno()}", "rb") as own:
                    uris.append(self.media.upload(own, "application/octet-stream", "large.bin"))

            threads = [threading.Thread(target=upload) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(len(uris), 3)
        self.assertEqual(self.media.download(uris[0]).body, content)
        # AddressSanitizer keeps what was freed.
        if not is_sanitized():
            self.assertLess(peak_rss(pid) - before, 24 * MEGABYTE, "files are held in memory")

    def test_a_file_over_the_limit_is_refused_before_it_is_sent(self):
        answer = self.media.request(
            "POST", "/_matrix/media/v3/upload", None, **{"Content-Length": str(51 * MEGABYTE)}
        )
        self.assertEqual((answer.status, answer.json()["errcode"]), (413, "M_TOO_LARGE"))

    def test_every_process_serves_what_any_other_stored(self):
        picture = png(400, 300)
        uri = self.media.upload(picture)
        for name, process in self.cluster.processes().items():
            with self.subTest(process=name):
                direct = MediaClient(self.alice, f"http://127.0.0.1:{process['ports']['http']}")
                self.assertEqual(direct.download(uri).body, picture)
                thumbnail = direct.thumbnail(uri, 32, 32, "crop")
                self.assertEqual(thumbnail.status, 200)
                self.assertEqual(thumbnail.headers["Content-Type"], "image/jpeg")
                other = direct.upload(png(10, 10))
                self.assertEqual(self.media.download(other).body, png(10, 10))

    def test_the_master_stands_in_for_a_media_worker_that_died(self):
        uri = self.media.upload(png(50, 50))
        pid = self.cluster.kill("media1")
        self.assertEqual(self.media.download(uri).body, png(50, 50))
        self.cluster.wait_restarted("media1", pid)
        self.assertEqual(self.media.thumbnail(uri, 32, 32).status, 200)


class MediaOfTheMaster(ClusterTestCase):
    scale = "none"

    def test_a_cluster_without_workers_has_media_too(self):
        media = MediaClient(self.cluster.register("alice"))
        uri = media.upload(png(50, 50), name="square.png")
        answer = media.download(uri)
        self.assertEqual(answer.body, png(50, 50))
        self.assertEqual(answer.headers["Content-Disposition"], 'inline; filename="square.png"')
        self.assertEqual(media.thumbnail(uri, 32, 32, "crop").status, 200)


if __name__ == "__main__":
    unittest.main(verbosity=2)
