// Two people chat on a running homeserver, through matrix-js-sdk alone.
//
//     WEFT_URL=http://127.0.0.1:8008 node chat_test.mjs
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import sdk from "./sdk.mjs";
import { assertRefused, bodies, eventually, Person, runProgram, Steps } from "./harness.mjs";

const MESSAGES = 100;
const MISSED = 30;
const RUN_DEADLINE_MS = 240_000;
const { Direction, EventType, Method, NotificationCountType, Preset, RelationType, Visibility } = sdk;

const baseUrl = process.env.WEFT_URL ?? "http://127.0.0.1:8008";
const run = randomBytes(4).toString("hex"); // names of their own, so that a server can be tested again
const password = `warp and weft ${run}`;
const steps = new Steps();
let alice, bob, roomId;

async function accounts() {
    await steps.run("the server says what it speaks", async () => {
        const { versions } = await sdk.createClient({ baseUrl }).getVersions();
        assert.ok(versions.some((version) => /^v1\.\d+$/.test(version)), `versions: ${versions}`);
    });
    await steps.run("two users register with m.login.dummy", async () => {
        assert.equal(await sdk.createClient({ baseUrl }).isUsernameAvailable(`alice-${run}`), true);
        alice = await Person.register(baseUrl, "Alice", `alice-${run}`, password);
        bob = await Person.register(baseUrl, "Bob", `bob-${run}`, password);
        const taken = () => sdk.createClient({ baseUrl }).isUsernameAvailable(`alice-${run}`);
        await eventually(async () => assert.equal(await taken(), false));
    });
    await steps.run("whoami knows user and device", async () => {
        const answer = await alice.client.whoami();
        assert.equal(answer.user_id, alice.userId);
        assert.equal(answer.device_id, alice.deviceId);
    });
    await steps.run("a second device logs in, is listed, and is gone after logout", async () => {
        const second = sdk.createClient({ baseUrl });
        const identifier = { type: "m.id.user", user: `alice-${run}` };
        await assertRefused(second.login("m.login.password", { identifier, password: "wrong" }), 403, "M_FORBIDDEN");
        const session = await second.login("m.login.password", { identifier, password });
        const assertDevices = async (...expected) => {
            const { devices } = await alice.client.getDevices();
            assert.deepEqual(devices.map((device) => device.device_id).sort(), expected.sort());
        };
        await eventually(() => assertDevices(alice.deviceId, session.device_id));

        await second.logout();

        await eventually(() => assertDevices(alice.deviceId));
        await eventually(() => assertRefused(second.whoami(), 401, "M_UNKNOWN_TOKEN"));
    });
    await steps.run("both sync loops start, with lazy-loaded members", async () => {
        await Promise.all([alice.start(), bob.start()]);
        assert.deepEqual(alice.client.getRooms(), []);
        assert.ok(alice.client.pushRules.global.underride.some((rule) => rule.rule_id === ".m.rule.message"));
    });
}

async function gathering() {
    await steps.run("a display name set before the room is in the room", async () => {
        await alice.client.setDisplayName("Alice");
        const shown = async () => (await bob.client.getProfileInfo(alice.userId)).displayname;
        await eventually(async () => assert.equal(await shown(), "Alice"));
    });
    await steps.run("Alice creates a private room with name and topic", async () => {
        const options = { preset: Preset.PrivateChat, name: `Loom ${run}`, topic: "Warp and weft" };
        roomId = (await alice.client.createRoom(options)).room_id;
        const room = await alice.untilMembership(roomId, "join");
        const state = (type) => room.currentState.getStateEvents(type, "")?.getContent();
        // A sync may see the room while its first events are still being written: the topic comes last.
        await alice.until("has the topic", () => state(EventType.RoomTopic)?.topic === "Warp and weft");

        assert.equal(room.name, `Loom ${run}`);
        assert.equal(state(EventType.RoomJoinRules).join_rule, "invite");
        assert.equal(state(EventType.RoomHistoryVisibility).history_visibility, "shared");
        assert.equal(state(EventType.RoomPowerLevels).users[alice.userId], 100);
        assert.equal(room.getVersion(), state(EventType.RoomCreate).room_version);
        assert.equal(room.getMember(alice.userId).name, "Alice");
    });
    await steps.run("Bob is kept out until invited", async () => {
        await assertRefused(bob.client.joinRoom(roomId), 403, "M_FORBIDDEN");
    });
    await steps.run("Alice invites Bob, and Bob sees who, and to what", async () => {
        await alice.client.invite(roomId, bob.userId);
        const room = await bob.untilMembership(roomId, "invite");

        assert.equal(room.name, `Loom ${run}`);
        assert.equal(room.currentState.getStateEvents(EventType.RoomMember, bob.userId).getSender(), alice.userId);
        await alice.untilMembership(roomId, "invite", bob.userId);
    });
    await steps.run("Bob joins, and both see two members", async () => {
        await bob.client.joinRoom(roomId);
        const room = await bob.untilMembership(roomId, "join");
        await alice.untilMembership(roomId, "join", bob.userId);

        await room.loadMembersIfNeeded();
        const members = room.getJoinedMembers().map((member) => member.userId);
        assert.deepEqual(members.sort(), [alice.userId, bob.userId].sort());
        const { joined } = await bob.client.getJoinedRoomMembers(roomId);
        assert.deepEqual(Object.keys(joined).sort(), [alice.userId, bob.userId].sort());
        assert.equal(joined[alice.userId].display_name, "Alice");
        assert.deepEqual((await bob.client.getJoinedRooms()).joined_rooms, [roomId]);
    });
}

async function conversation() {
    const texts = Array.from({ length: MESSAGES }, (_, i) => `pick ${i} by ${i % 2 ? "Bob" : "Alice"}`);
    const eventIds = [];

    await steps.run(`${MESSAGES} messages go to and fro, each seen by the other`, async () => {
        for (const [i, text] of texts.entries()) {
            const [sender, reader] = i % 2 ? [bob, alice] : [alice, bob];
            eventIds.push(await sender.say(roomId, text));
            const event = await reader.untilEvent(roomId, eventIds[i]);
            assert.equal(event.getContent().body, text);
            assert.equal(event.getSender(), sender.userId);
        }
    });
    await steps.run("each came in order and exactly once, to both", async () => {
        for (const person of [alice, bob]) {
            await person.untilEvent(roomId, eventIds.at(-1));
            const received = person.received.filter((message) => message.roomId === roomId);
            assert.deepEqual(received.map((message) => message.body), texts, person.name);
            assert.deepEqual(received.map((message) => message.eventId), eventIds, person.name);
            assert.deepEqual(person.room(roomId).getPendingEvents(), [], "every local echo was recognised");
        }
    });
    await steps.run("only the sending device is told the transaction ID", async () => {
        const id = await alice.say(roomId, "threaded");
        const [own, seen] = [await alice.untilEvent(roomId, id), await bob.untilEvent(roomId, id)];
        await alice.until("has its own event back", () => own.getUnsigned().transaction_id);
        assert.equal(seen.getUnsigned().transaction_id, undefined);
        assert.ok(seen.getAge() >= 0);
    });
    await steps.run("a repeated transaction ID sends once", async () => {
        const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/again-${run}`;
        const put = (body) => alice.client.http.authedRequest(Method.Put, path, undefined, { msgtype: "m.text", body });
        const first = await put("once");
        const second = await put("once");
        assert.equal(second.event_id, first.event_id);
        const last = await alice.say(roomId, "and no more");
        await bob.untilEvent(roomId, last);
        const seen = bodies(bob.room(roomId).getLiveTimeline().getEvents());
        assert.equal(seen.filter((body) => body === "once").length, 1);
    });
}

async function relations() {
    let target;
    await steps.run("Alice edits a message", async () => {
        target = await alice.say(roomId, "a dropped stich");
        const seen = await bob.untilEvent(roomId, target);
        const { event_id: edit } = await alice.client.sendEvent(roomId, EventType.RoomMessage, {
            "msgtype": "m.text",
            "body": "* a dropped stitch",
            "m.new_content": { msgtype: "m.text", body: "a dropped stitch" },
            "m.relates_to": { rel_type: RelationType.Replace, event_id: target },
        });
        await bob.until("sees the edit", () => seen.replacingEventId() === edit);
        assert.equal(seen.getContent().body, "a dropped stitch");
    });
    await steps.run("Bob reacts, and takes it back", async () => {
        const relates = { rel_type: RelationType.Annotation, event_id: target, key: "🧵" };
        const { event_id: id } = await bob.client.sendEvent(roomId, EventType.Reaction, { "m.relates_to": relates });
        const reactions = () =>
            alice.room(roomId).relations
                .getChildEventsForEvent(target, RelationType.Annotation, EventType.Reaction)
                ?.getSortedAnnotationsByKey()
                ?.map(([key, events]) => [key, [...events].map((event) => event.getSender())]);
        await alice.until("sees the reaction", () => reactions()?.length === 1);
        assert.deepEqual(reactions(), [["🧵", [bob.userId]]]);

        await bob.client.redactEvent(roomId, id);

        await alice.until("sees it go", () => reactions().every(([, senders]) => senders.length === 0));
    });
    await steps.run("Alice redacts a message, for everybody", async () => {
        const id = await alice.say(roomId, "a loose end");
        const seen = await bob.untilEvent(roomId, id);
        await alice.client.redactEvent(roomId, id, undefined, { reason: "snipped" });

        await bob.until("sees the redaction", () => seen.isRedacted());
        assert.deepEqual(seen.getContent(), {});
        const stored = await bob.client.fetchRoomEvent(roomId, id);
        assert.deepEqual(stored.content, {});
        assert.equal(stored.unsigned.redacted_because.content.reason, "snipped");
        assert.equal(stored.unsigned.redacted_because.sender, alice.userId);
    });
    await steps.run("Bob may not redact what Alice wrote", async () => {
        const path = `/rooms/${encodeURIComponent(roomId)}/redact/${encodeURIComponent(target)}/not-${run}`;
        await assertRefused(bob.client.http.authedRequest(Method.Put, path, undefined, {}), 403, "M_FORBIDDEN");
    });
}

async function presence() {
    await steps.run("Bob types, and stops", async () => {
        const typing = () => alice.room(roomId).getMember(bob.userId).typing;
        await bob.client.sendTyping(roomId, true, 30_000);
        await alice.until("sees Bob typing", () => typing());
        await bob.client.sendTyping(roomId, false, 0);
        await alice.until("sees Bob stop", () => !typing());
    });
    await steps.run("Bob's read receipt reaches Alice", async () => {
        const event = await bob.untilEvent(roomId, await alice.say(roomId, "read me"));
        await bob.client.sendReadReceipt(event);
        await alice.until("sees the receipt", () => {
            const receipt = alice.room(roomId).getReadReceiptForUserId(bob.userId, true);
            return receipt?.eventId === event.getId() && receipt.data.ts > 0;
        });
    });
    await steps.run("Alice's read marker comes back to her, its receipt to Bob", async () => {
        const event = await alice.untilEvent(roomId, await bob.say(roomId, "mark me"));
        await alice.client.setRoomReadMarkers(roomId, event.getId(), event);
        const marker = () => alice.room(roomId).getAccountData("m.fully_read")?.getContent().event_id;
        await alice.until("has the marker", () => marker() === event.getId());
        const receipt = () => bob.room(roomId).getReadReceiptForUserId(alice.userId, true)?.eventId;
        await bob.until("sees the receipt", () => receipt() === event.getId());
    });
    await steps.run("Alice's presence and status message are seen", async () => {
        await alice.client.setPresence({ presence: "online", status_msg: "weaving" });
        const user = () => bob.client.getUser(alice.userId);
        await bob.until("sees the presence", () => user()?.presenceStatusMsg === "weaving");
        assert.equal(user().presence, "online");
        const stored = await bob.client.getPresence(alice.userId);
        assert.equal(stored.presence, "online");
        assert.equal(stored.status_msg, "weaving");
    });
    await steps.run("Alice's new display name is seen in the room", async () => {
        await alice.client.setDisplayName("Alice of the Loom");
        await bob.until("sees the name", () => bob.room(roomId).getMember(alice.userId).name === "Alice of the Loom");
        const shown = async () => (await bob.client.getProfileInfo(alice.userId)).displayname;
        await eventually(async () => assert.equal(await shown(), "Alice of the Loom"));
    });
}

async function settings() {
    const pushRule = () => alice.client.pushRules.global.content.find((rule) => rule.rule_id === `word-${run}`);

    await steps.run("a room tag is set and removed", async () => {
        await alice.client.setRoomTag(roomId, "m.favourite", { order: 0.25 });
        await alice.until("has the tag", () => alice.room(roomId).tags["m.favourite"]?.order === 0.25);
        assert.deepEqual((await alice.client.getRoomTags(roomId)).tags, { "m.favourite": { order: 0.25 } });
        await alice.client.deleteRoomTag(roomId, "m.favourite");
        await alice.until("has it no more", () => !("m.favourite" in alice.room(roomId).tags));
    });
    await steps.run("account data, of the user and of the room, come by sync", async () => {
        await alice.client.setAccountData("org.example.pattern", { twill: [2, 2] });
        await alice.client.setRoomAccountData(roomId, "org.example.colour", { warp: "madder" });
        const global = () => alice.client.getAccountData("org.example.pattern")?.getContent();
        const room = () => alice.room(roomId).getAccountData("org.example.colour")?.getContent();
        await alice.until("has both", () => global() && room());
        assert.deepEqual(global(), { twill: [2, 2] });
        assert.deepEqual(room(), { warp: "madder" });
        assert.equal(bob.client.getAccountData("org.example.pattern"), undefined);
    });
    await steps.run("a push rule is added and highlights", async () => {
        const actions = ["notify", { set_tweak: "highlight" }];
        await alice.client.addPushRule("global", "content", `word-${run}`, { pattern: "heddle", actions });
        await alice.until("has the rule", pushRule);
        assert.equal(pushRule().enabled, true);

        const unread = (kind) => alice.room(roomId).getUnreadNotificationCount(kind);
        const before = await alice.untilEvent(roomId, await bob.say(roomId, "nothing special"));
        await alice.client.sendReadReceipt(before);
        await alice.until("has read all", () => unread(NotificationCountType.Total) === 0);
        const event = await alice.untilEvent(roomId, await bob.say(roomId, "mind the heddle, please"));
        await alice.until("is told once", () => unread(NotificationCountType.Highlight) === 1);
        assert.equal(unread(NotificationCountType.Total), 1);
        await alice.client.sendReadReceipt(event);
        await alice.until("has read that too", () => unread(NotificationCountType.Highlight) === 0);
    });
    await steps.run("the push rule is disabled and deleted", async () => {
        await alice.client.setPushRuleEnabled("global", "content", `word-${run}`, false);
        await alice.until("has it disabled", () => pushRule()?.enabled === false);
        await alice.client.deletePushRule("global", "content", `word-${run}`);
        await alice.until("has it no more", () => pushRule() === undefined);
    });
}

async function history() {
    const numbers = (events, prefix) =>
        bodies(events)
            .filter((body) => body.startsWith(prefix))
            .map((body) => Number.parseInt(body.slice(prefix.length), 10));
    const upTo = (count) => Array.from({ length: count }, (_, i) => i);
    const assertWholeStory = async (person) => {
        const events = await person.scrollToTheBeginning(roomId);
        assert.equal(events[0].getType(), EventType.RoomCreate);
        const ids = events.map((event) => event.getId());
        assert.equal(new Set(ids).size, ids.length, "no event came twice");
        assert.deepEqual(numbers(events, "pick "), upTo(MESSAGES));
        assert.deepEqual(numbers(events, "while you were out "), upTo(MISSED));
    };

    await steps.run(`Bob goes offline, misses ${MISSED} messages, and resumes where he was`, async () => {
        await bob.stop();
        let last;
        for (let i = 0; i < MISSED; i += 1) last = await alice.say(roomId, `while you were out ${i}`);

        await bob.start();

        await bob.untilEvent(roomId, last);
        assert.ok(bob.room(roomId).oldState.paginationToken, "there is a prev_batch to scroll back from");
    });
    await steps.run("he scrolls back to the room's creation, and nothing is missing", () => assertWholeStory(bob));
    await steps.run("on a new device he sees the end of the story first, then all of it", async () => {
        const phone = await Person.login(baseUrl, "Bob's phone", bob.userId, password);
        await phone.start();
        const shown = phone.room(roomId).getLiveTimeline().getEvents().length;
        assert.ok(shown > 0 && shown <= 8, `${shown} events where initialSyncLimit is 8`);
        assert.equal(phone.room(roomId).name, `Loom ${run}`);

        await assertWholeStory(phone);

        await phone.client.logout(true);
    });
    await steps.run("/messages tells the same story forwards and backwards", async () => {
        const read = async (direction) => {
            const ids = [];
            let from = null;
            do {
                const page = await alice.client.createMessagesRequest(roomId, from, 40, direction);
                assert.notEqual(page.end, from ?? undefined, "a page must lead further");
                ids.push(...page.chunk.map((event) => event.event_id));
                from = page.chunk.length ? page.end : undefined;
            } while (from);
            return ids;
        };
        const forwards = await read(Direction.Forward);
        const backwards = await read(Direction.Backward);
        assert.ok(forwards.length > MESSAGES);
        assert.deepEqual(forwards, backwards.reverse());
    });
    await steps.run("/context shows an event's neighbours", async () => {
        const events = await bob.scrollToTheBeginning(roomId);
        const middle = events.findIndex((event) => event.getContent().body === "pick 50 by Alice");
        const path = `/rooms/${encodeURIComponent(roomId)}/context/${encodeURIComponent(events[middle].getId())}`;
        const context = await bob.client.http.authedRequest(Method.Get, path, { limit: 4 });
        assert.equal(context.event.event_id, events[middle].getId());
        const around = [...context.events_before].reverse().concat(context.events_after);
        assert.deepEqual(
            around.map((event) => event.content.body),
            ["pick 48 by Alice", "pick 49 by Bob", "pick 51 by Bob", "pick 52 by Alice"],
        );
    });
}

async function publicRoom() {
    const local = `market-${run}`;
    let marketId, alias;

    await steps.run("a public room with an alias is in the directory", async () => {
        marketId = (
            await alice.client.createRoom({
                preset: Preset.PublicChat,
                visibility: Visibility.Public,
                name: "Market",
                room_alias_name: local,
            })
        ).room_id;
        alias = `#${local}:${alice.client.getDomain()}`;
        const room = await alice.untilMembership(marketId, "join");
        await alice.until("has the alias", () => room.getCanonicalAlias() === alias);
        await eventually(async () => assert.equal((await bob.client.getRoomIdForAlias(alias)).room_id, marketId));
        await eventually(async () => {
            const { chunk } = await bob.client.publicRooms();
            assert.equal(chunk.find((entry) => entry.room_id === marketId)?.canonical_alias, alias);
        });
    });
    await steps.run("an alias is added, used to join, and deleted", async () => {
        const second = `#fair-${run}:${alice.client.getDomain()}`;
        await alice.client.createAlias(second, marketId);
        await bob.client.joinRoom(second);
        await bob.untilMembership(marketId, "join");
        await alice.client.deleteAlias(second);
        await eventually(() => assertRefused(bob.client.getRoomIdForAlias(second), 404, "M_NOT_FOUND"));
    });
    await steps.run("Bob is kicked, banned, unbanned, and joins again", async () => {
        await alice.client.kick(marketId, bob.userId, "closing time");
        await bob.untilMembership(marketId, "leave");
        await alice.client.ban(marketId, bob.userId);
        await bob.untilMembership(marketId, "ban");
        await assertRefused(bob.client.joinRoom(alias), 403);
        await alice.client.unban(marketId, bob.userId);
        await bob.untilMembership(marketId, "leave");
        await bob.client.joinRoom(alias);
        await bob.untilMembership(marketId, "join");
    });
}

async function farewell() {
    await steps.run("Bob leaves, and Alice sees him go", async () => {
        await bob.client.leave(roomId);
        await bob.untilMembership(roomId, "leave");
        await alice.untilMembership(roomId, "leave", bob.userId);
        assert.ok(!(await bob.client.getJoinedRooms()).joined_rooms.includes(roomId));
        await assertRefused(bob.client.sendTextMessage(roomId, "one more"), 403, "M_FORBIDDEN");
    });
    await steps.run("Bob forgets the room, and its history is closed to him", async () => {
        await bob.client.forget(roomId);
        assert.equal(bob.room(roomId), null);
        const read = () => bob.client.createMessagesRequest(roomId, null, 10, Direction.Backward);
        await eventually(() => assertRefused(read(), 403, "M_FORBIDDEN"));
    });
    await steps.run("both log out, and their tokens are worthless", async () => {
        for (const person of [alice, bob]) {
            person.assertHealthy();
            await person.client.logout(true);
            const again = sdk.createClient({ baseUrl, userId: person.userId, accessToken: person.accessToken });
            await eventually(() => assertRefused(again.whoami(), 401, "M_UNKNOWN_TOKEN"));
        }
    });
}

await runProgram(steps, [accounts, gathering, conversation, relations, presence, settings, history, publicRoom, farewell], RUN_DEADLINE_MS);
