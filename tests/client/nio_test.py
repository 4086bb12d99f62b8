"""A second, independent client library (matrix-nio, as Debian has it) goes through the plain flows on a cluster.

With WEFT_URL set, on the homeserver that it names:

    WEFT_URL=http://127.0.0.1:8008 tests/client/nio_test.py
"""

import asyncio
import io
import os
import sys
import unittest
import uuid
from pathlib import Path

import nio

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path[:0] = [str(TOP / "tests" / "support"), str(TOP / "deploy")]

import openapi  # noqa: E402
from weft_cluster import ClusterTestCase  # noqa: E402

SECONDS_MAX = 30
SYNC_FILTER = {"room": {"timeline": {"limit": 50}, "state": {"lazy_load_members": False}}}


class CheckedClient(nio.AsyncClient):
    """Each answer is compared with the specification's schema of its operation."""

    async def send(self, method: str, path: str, *more, **options):
        answer = await super().send(method, path, *more, **options)
        openapi.check(method, path, answer.status, answer.headers.get("Content-Type", ""), await answer.read())
        return answer


class Nio(ClusterTestCase):
    scale = "synchrotron=1,event_persister=1,client_reader=1,media=1"
    # This version of nio knows the older endpoints of media only.
    config = {"enable_authenticated_media": False}

    def setUp(self) -> None:
        self.url = os.environ.get("WEFT_URL")
        if not self.url:
            super().setUp()
            self.url = self.cluster.url

    def test_two_users_of_matrix_nio_go_through_the_plain_flows(self):
        asyncio.run(Flows(self, self.url).run())


class Flows:
    """Two people, step by step; later steps build on earlier ones."""

    def __init__(self, test: unittest.TestCase, url: str):
        self.test = test
        self.url = url
        self.name = uuid.uuid4().hex[:8]
        self.password = f"warp and weft {self.name}"
        self.opened: list = []

    async def run(self) -> None:
        try:
            for step in (
                self.register, self.log_in, self.make_room, self.talk, self.read_and_type,
                self.look_back, self.redact, self.name_and_portrait, self.send_file,
                self.administer, self.leave, self.log_out,
            ):  # fmt: skip
                await step()
                print(f"ok    {step.__name__.replace('_', ' ')}", flush=True)
        finally:
            for client in self.opened:
                await client.close()

    # What the steps need

    def client(self, name: str) -> nio.AsyncClient:
        client = CheckedClient(self.url, name)
        self.opened.append(client)
        return client

    def accept(self, response, kind):
        """The response, if it is of the kind that means success."""
        self.test.assertIsInstance(response, kind, f"{response}")
        return response

    async def sync(self, client: nio.AsyncClient, timeout_ms: int = 0) -> nio.SyncResponse:
        response = await client.sync(timeout=timeout_ms, sync_filter=SYNC_FILTER)
        return self.accept(response, nio.SyncResponse)

    async def until(self, client: nio.AsyncClient, what: str, predicate):
        """Syncs until the predicate of a response is true; its value."""
        loop = asyncio.get_running_loop()
        end = loop.time() + SECONDS_MAX
        while loop.time() < end:
            found = predicate(await self.sync(client, 1000))
            if found:
                return found
        self.test.fail(f"{client.user_id}: not within {SECONDS_MAX} s: {what}")

    def has_text(self, body: str):
        """A predicate: the event with that text in the room's timeline."""

        def find(response):
            room = response.rooms.join.get(self.room_id)
            events = room.timeline.events if room else []
            return next((e for e in events if getattr(e, "body", None) == body), None)

        return find

    async def say(self, client: nio.AsyncClient, body: str) -> str:
        content = {"msgtype": "m.text", "body": body}
        response = await client.room_send(self.room_id, "m.room.message", content)
        return self.accept(response, nio.RoomSendResponse).event_id

    # The steps

    async def register(self) -> None:
        self.alice = self.client(f"alice-{self.name}")
        self.bob = self.client(f"bob-{self.name}")
        for client, name in ((self.alice, "alice"), (self.bob, "bob")):
            response = await client.register(f"{name}-{self.name}", self.password)
            self.accept(response, nio.RegisterResponse)
        again = await self.client("nobody").register(f"alice-{self.name}", self.password)
        self.test.assertEqual(self.accept(again, nio.ErrorResponse).status_code, "M_USER_IN_USE")

    async def log_in(self) -> None:
        second = self.client(self.alice.user_id)
        wrong = await second.login("not the password")
        self.test.assertEqual(self.accept(wrong, nio.LoginError).status_code, "M_FORBIDDEN")
        self.accept(await second.login(self.password, "second loom"), nio.LoginResponse)
        self.test.assertNotEqual(second.device_id, self.alice.device_id)
        self.accept(await second.logout(), nio.LogoutResponse)

    async def make_room(self) -> None:
        response = await self.alice.room_create(
            name="Loom", topic="Threads", invite=[self.bob.user_id], preset=nio.RoomPreset.private_chat
        )
        self.room_id = self.accept(response, nio.RoomCreateResponse).room_id
        invite = await self.until(
            self.bob, "is invited", lambda response: response.rooms.invite.get(self.room_id)
        )
        self.test.assertTrue(invite.invite_state)
        self.accept(await self.bob.join(self.room_id), nio.JoinResponse)
        await self.until(self.bob, "has joined", lambda _: self.room_id in self.bob.rooms)
        await self.until(
            self.alice, "sees Bob", lambda _: self.bob.user_id in self.alice.rooms[self.room_id].users
        )
        room = self.bob.rooms[self.room_id]
        self.test.assertEqual((room.name, room.topic), ("Loom", "Threads"))
        members = self.accept(await self.bob.joined_members(self.room_id), nio.JoinedMembersResponse)
        self.test.assertEqual(
            {member.user_id for member in members.members}, {self.alice.user_id, self.bob.user_id}
        )

    async def talk(self) -> None:
        for number in range(5):
            await self.say(self.alice, f"over {number}")
            await self.until(self.bob, f"reads over {number}", self.has_text(f"over {number}"))
            await self.say(self.bob, f"under {number}")
            await self.until(self.alice, f"reads under {number}", self.has_text(f"under {number}"))

    async def read_and_type(self) -> None:
        self.accept(await self.bob.room_typing(self.room_id, True), nio.RoomTypingResponse)
        await self.until(
            self.alice,
            "sees Bob typing",
            lambda _: self.bob.user_id in self.alice.rooms[self.room_id].typing_users,
        )
        event_id = await self.say(self.alice, "read this")
        self.accept(
            await self.bob.room_read_markers(self.room_id, event_id, event_id),
            nio.RoomReadMarkersResponse,
        )

        def receipt(_):
            receipts = self.alice.rooms[self.room_id].read_receipts
            found = receipts.get(self.bob.user_id)
            return found and found.event_id == event_id

        await self.until(self.alice, "sees that Bob has read it", receipt)

    async def look_back(self) -> None:
        start = (await self.sync(self.bob)).next_batch
        texts = []
        for _ in range(50):
            page = await self.bob.room_messages(self.room_id, start, limit=7)
            self.accept(page, nio.RoomMessagesResponse)
            texts += [e.body for e in page.chunk if isinstance(e, nio.RoomMessageText)]
            if not page.chunk or not page.end:
                break
            start = page.end
        expected = [text for n in range(5) for text in (f"over {n}", f"under {n}")] + ["read this"]
        self.test.assertEqual(list(reversed(texts)), expected)

    async def redact(self) -> None:
        event_id = await self.say(self.alice, "a slip")
        await self.until(self.bob, "reads the slip", self.has_text("a slip"))
        self.accept(
            await self.alice.room_redact(self.room_id, event_id, "a knot"), nio.RoomRedactResponse
        )
        event = await self.alice.room_get_event(self.room_id, event_id)
        event = self.accept(event, nio.RoomGetEventResponse).event
        self.test.assertNotIn("body", event.source["content"])

    async def name_and_portrait(self) -> None:
        self.accept(await self.alice.set_displayname("Alice the weaver"), nio.ProfileSetDisplayNameResponse)
        self.accept(await self.alice.set_avatar("mxc://localhost/portrait"), nio.ProfileSetAvatarResponse)
        profile = self.accept(await self.bob.get_profile(self.alice.user_id), nio.ProfileGetResponse)
        self.test.assertEqual(
            (profile.displayname, profile.avatar_url), ("Alice the weaver", "mxc://localhost/portrait")
        )
        await self.until(
            self.bob,
            "sees the new name",
            lambda _: self.bob.rooms[self.room_id].user_name(self.alice.user_id) == "Alice the weaver",
        )

    async def send_file(self) -> None:
        content = os.urandom(200_000)
        upload, _ = await self.alice.upload(
            io.BytesIO(content), "application/octet-stream", "yarn.bin", filesize=len(content)
        )
        uri = self.accept(upload, nio.UploadResponse).content_uri
        body = {"msgtype": "m.file", "body": "yarn.bin", "url": uri, "info": {"size": len(content)}}
        await self.alice.room_send(self.room_id, "m.room.message", body)
        event = await self.until(self.bob, "sees the file", self.has_text("yarn.bin"))
        self.test.assertEqual(event.url, uri)
        got = self.accept(await self.bob.download(uri), nio.DownloadResponse)
        self.test.assertEqual((got.body, got.filename), (content, "yarn.bin"))
        renamed = self.accept(await self.bob.download(uri, filename="wool.bin"), nio.DownloadResponse)
        self.test.assertEqual((renamed.body, renamed.filename), (content, "wool.bin"))
        # Other versions send an empty name where none is wanted.
        server, _, media_id = uri[len("mxc://") :].partition("/")
        path = f"/_matrix/media/v3/download/{server}/{media_id}/"
        response = await self.bob.send("GET", path)
        self.test.assertEqual(await response.read(), content)
        self.test.assertIn('filename="yarn.bin"', response.headers["Content-Disposition"])

    async def administer(self) -> None:
        self.accept(
            await self.alice.room_put_state(self.room_id, "m.room.topic", {"topic": "Knots"}),
            nio.RoomPutStateResponse,
        )
        await self.until(
            self.bob, "sees the topic", lambda _: self.bob.rooms[self.room_id].topic == "Knots"
        )
        refused = await self.bob.room_put_state(self.room_id, "m.room.topic", {"topic": "Mine"})
        self.test.assertEqual(self.accept(refused, nio.RoomPutStateError).status_code, "M_FORBIDDEN")
        self.accept(await self.alice.room_ban(self.room_id, self.bob.user_id), nio.RoomBanResponse)
        await self.until(
            self.bob, "is banned", lambda response: self.room_id in response.rooms.leave
        )
        self.test.assertIsInstance(await self.bob.join(self.room_id), nio.JoinError)
        self.accept(await self.alice.room_unban(self.room_id, self.bob.user_id), nio.RoomUnbanResponse)
        self.accept(await self.alice.room_invite(self.room_id, self.bob.user_id), nio.RoomInviteResponse)
        self.accept(await self.bob.join(self.room_id), nio.JoinResponse)

    async def leave(self) -> None:
        self.accept(await self.bob.room_leave(self.room_id), nio.RoomLeaveResponse)
        self.accept(await self.bob.room_forget(self.room_id), nio.RoomForgetResponse)
        joined = self.accept(await self.bob.joined_rooms(), nio.JoinedRoomsResponse)
        self.test.assertNotIn(self.room_id, joined.rooms)

    async def log_out(self) -> None:
        for client in (self.alice, self.bob):
            self.accept(await client.logout(all_devices=True), nio.LogoutResponse)


if __name__ == "__main__":
    unittest.main(verbosity=2)
