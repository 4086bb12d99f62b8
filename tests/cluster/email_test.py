"""E-mail by a real SMTP conversation: an address is added, a password reset, and what is unread told."""

import re
import sys
import unittest
import urllib.parse
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from matrix_client import Client, MatrixError, wait_for  # noqa: E402
from smtp_server import SmtpServer, text_of  # noqa: E402
from weft_cluster import ClusterTestCase  # noqa: E402

PASSWORD = "correct horse"


class WithEmail(ClusterTestCase):
    """A cluster that sends its e-mail to us."""

    more_config: dict = {}

    def setUp(self) -> None:
        self.smtp = SmtpServer(user="weft", password="secret")
        self.addCleanup(self.smtp.stop)
        self.config = {
            "public_baseurl": "https://matrix.example.org/",
            "email": {
                "smtp_host": "127.0.0.1",
                "smtp_port": self.smtp.port,
                "smtp_user": "weft",
                "smtp_pass": "secret",
                "notif_from": "Weft <noreply@example.org>",
                "app_name": "Loom",
                "notif_delay_before_mail": "2s",
            },
            **self.more_config,
        }
        super().setUp()

    def ask(self, client: Client, what: str, address: str) -> str:
        body = {"client_secret": "s", "email": address, "send_attempt": 1}
        return client.post(f"{what}/email/requestToken", body)["sid"]

    def add_address(self, client: Client, address: str) -> None:
        sid = self.ask(client, "/account/3pid", address)
        self.follow(text_of(self.smtp.wait_for_mail(address)))
        client.post("/account/3pid/add", {"sid": sid, "client_secret": "s", "auth": self.proof(client)})

    def follow(self, text: str) -> None:
        """Presses the button on the page that the link in an e-mail opens."""
        link = urllib.parse.urlsplit(re.search(r"https://\S+", text).group())
        page = urllib.request.urlopen(f"{self.cluster.url}{link.path}?{link.query}").read().decode()
        form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
        data = urllib.parse.urlencode(form).encode()
        with urllib.request.urlopen(f"{self.cluster.url}{link.path}", data) as answer:
            self.assertEqual(answer.status, 200)

    @staticmethod
    def proof(client: Client) -> dict:
        identifier = {"type": "m.id.user", "user": client.user_id}
        return {"type": "m.login.password", "identifier": identifier, "password": PASSWORD}


class Addresses(WithEmail):
    def test_an_address_is_added_and_resets_a_forgotten_password(self):
        alice = self.cluster.register("alice")
        address = "alice@example.org"
        self.add_address(alice, address)
        # Listed by every process.
        for name in self.cluster.processes():
            direct = alice.sibling(self.cluster.url_of(name))
            listed = direct.get("/account/3pid")["threepids"]
            self.assertEqual([each["address"] for each in listed], [address], name)
            direct.close()

        stranger = self.cluster.client()
        sid = self.ask(stranger, "/account/password", address)
        mail = self.smtp.wait_for_mail(address, 2)
        self.assertEqual(mail["Subject"], "[Loom] Reset your password")
        reset = {"new_password": "battery staple", "auth": {
            "type": "m.login.email.identity", "threepid_creds": {"sid": sid, "client_secret": "s"},
        }}  # fmt: skip
        with self.assertRaises(MatrixError) as refused:
            stranger.post("/account/password", reset)
        self.assertEqual(refused.exception.errcode, "M_THREEPID_AUTH_FAILED")
        self.follow(text_of(mail))
        stranger.post("/account/password", reset)
        with self.assertRaises(MatrixError) as gone:
            alice.get("/account/whoami")
        self.assertEqual(gone.exception.status, 401)
        stranger.login(alice.user_id, "battery staple")


class Pushers(WithEmail):
    """Mail about what was not read for a while; the first one to the address was the link that proved it."""

    address = "bob@example.org"

    def room_of_two_with_mail(self) -> tuple:
        alice, bob, room_id = self.room_of_two()
        self.add_address(bob, self.address)
        bob.post("/pushers/set", {
            "app_id": "m.email", "pushkey": self.address, "kind": "email", "app_display_name": "Mail",
            "device_display_name": self.address, "lang": "en", "data": {},
        })  # fmt: skip
        return alice, bob, room_id

    def another_room(self, alice: Client, bob: Client) -> str:
        """A room that was mailed about is quiet for a while."""
        room_id = alice.create_room(preset="public_chat", name="Spindle")
        bob.join(room_id)
        return room_id

    def test_what_stays_unread_is_mailed_and_what_is_read_is_not(self):
        alice, bob, room_id = self.room_of_two_with_mail()
        alice.send(room_id, "the warp")
        alice.send(room_id, "the weft")
        first = self.smtp.wait_for_mail(self.address, 2)
        self.assertEqual(first["Subject"], "[Loom] New messages in Loom")
        self.assertIn(": the warp\n  alice", text_of(first).replace("\r\n", "\n"))

        room_id = self.another_room(alice, bob)
        bob.read_up_to(room_id, alice.send(room_id, "seen"))
        alice.send(room_id, "not seen")
        second = text_of(self.smtp.wait_for_mail(self.address, 3))
        self.assertIn(": not seen", second)
        for told_before_or_read in ("the warp", ": seen"):
            self.assertNotIn(told_before_or_read, second)

    def test_a_mail_that_the_server_did_not_take_is_sent_by_whoever_comes_after(self):
        self.cluster.rescale(f"{self.scale},pusher=1")
        alice, bob, room_id = self.room_of_two_with_mail()
        self.smtp.refusing = True
        alice.send(room_id, "patience")
        wait_for("a mail that is refused", lambda: self.smtp.refused)
        pid = self.cluster.kill("pusher1")
        self.smtp.refusing = False
        self.cluster.wait_restarted("pusher1", pid)
        self.assertIn(": patience", text_of(self.smtp.wait_for_mail(self.address, 2)))
        alice.send(self.another_room(alice, bob), "after")
        self.assertNotIn("patience", text_of(self.smtp.wait_for_mail(self.address, 3)))


class Registration(WithEmail):
    more_config = {
        "registration_requires_token": True,
        "registrations_require_3pid": ["email"],
        "enable_registration_without_verification": False,
    }

    def test_the_stages_of_a_registration_outlive_a_kill_and_meet_at_any_process(self):
        self.cluster.weft("register", "root", "--admin", "--password", PASSWORD)
        token = self.cluster.weft("token create", "--uses", "1").strip()
        wish = {"username": "bob", "password": PASSWORD}
        path = "/_matrix/client/v3/register"
        status, asked = self.cluster.client().request_once("POST", path, wish)
        stages = ["m.login.registration_token", "m.login.email.identity"]
        self.assertEqual((status, asked["flows"]), (401, [{"stages": stages}]))
        first = {"type": stages[0], "token": token, "session": asked["session"]}
        status, answer = self.cluster.client().request_once("POST", path, {**wish, "auth": first})
        self.assertEqual((status, answer["completed"]), (401, stages[:1]))

        self.cluster.wait_restarted("master", self.cluster.kill("master"))
        sid = self.ask(self.cluster.client(), "/register", "bob@example.org")
        self.follow(text_of(self.smtp.wait_for_mail("bob@example.org")))
        reader = self.cluster.client().sibling(
            self.cluster.url_of(self.cluster.names("client_reader")[0])
        )
        second = {
            "type": stages[1],
            "session": asked["session"],
            "threepid_creds": {"sid": sid, "client_secret": "s"},
        }
        made = reader.post("/register", {**wish, "auth": second})
        reader.close()
        bob = Client(self.cluster.url, made["user_id"], made["access_token"])
        listed = bob.get("/account/3pid")["threepids"]
        self.assertEqual([each["address"] for each in listed], ["bob@example.org"])
        bob.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
