// Two people whose clients sync by windows (sliding sync, MSC4186) talk in an encrypted room, and look at a list of
// rooms through a window. matrix-js-sdk with its SlidingSync and its Rust crypto.
//
//     WEFT_URL=http://127.0.0.1:8008 node sliding_test.mjs
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { workersDie } from "./patience.mjs";
import sdk from "./sdk.mjs";
import { eventually, Person, runProgram, Steps } from "./harness.mjs";
import { startSliding } from "./sliding.mjs";

const MESSAGES = 20;
const ROOMS = 6;
const WINDOW = 3;
const RUN_DEADLINE_MS = 240_000;
const { EventType, NotificationCountType, Preset } = sdk;

// The Rust part logs to the console by itself.
if (!process.env.WEFT_SDK_LOG) for (const level of ["debug", "info", "warn"]) console[level] = () => {};

const baseUrl = process.env.WEFT_URL ?? "http://127.0.0.1:8008";
const run = randomBytes(4).toString("hex"); // names of their own, so that a server can be tested again
const password = `warp and weft ${run}`;
const steps = new Steps();
let alice, bob, aliceAgain, phone, window, roomId;
const shelf = []; // Bob's rooms, in the order in which they were made

async function startEncrypted(person) {
    await person.client.initRustCrypto({ useIndexedDB: false });
    return startSliding(person, 20);
}

async function meeting() {
    await steps.run("two users register, and sync through windows", async () => {
        alice = await Person.register(baseUrl, "Alice", `alice-${run}`, password);
        bob = await Person.register(baseUrl, "Bob", `bob-${run}`, password);
        await Promise.all([startEncrypted(alice), startEncrypted(bob)]);
        assert.deepEqual(alice.client.getRooms(), []);
    });
    await steps.run("Alice makes an encrypted room; Bob is told of the invite, and joins", async () => {
        const encryption = { algorithm: "m.megolm.v1.aes-sha2" };
        const room = await alice.client.createRoom({
            preset: Preset.PrivateChat,
            name: `Loom ${run}`,
            invite: [bob.userId],
            initial_state: [{ type: EventType.RoomEncryption, state_key: "", content: encryption }],
        });
        roomId = room.room_id;
        const invited = await bob.untilMembership(roomId, "invite");
        assert.equal(invited.name, `Loom ${run}`);
        await bob.client.joinRoom(roomId);
        await bob.untilMembership(roomId, "join");
        await alice.untilMembership(roomId, "join", bob.userId);
        for (const person of [alice, bob]) {
            await person.until("knows that the room is encrypted", () => person.room(roomId).hasEncryptionStateEvent());
        }
    });
}

async function talking() {
    await steps.run(`${MESSAGES} encrypted messages each way are read by the other`, async () => {
        for (let n = 0; n < MESSAGES; ++n) {
            await alice.say(roomId, `from Alice ${n}`);
            await bob.untilReads(roomId, `from Alice ${n}`);
            await bob.say(roomId, `from Bob ${n}`);
            await alice.untilReads(roomId, `from Bob ${n}`);
        }
    });
    await steps.run("each came in order and exactly once, to both", async () => {
        const said = Array.from({ length: MESSAGES }, (_, n) => [`from Alice ${n}`, `from Bob ${n}`]).flat();
        for (const person of [alice, bob]) {
            await person.untilReads(roomId, said.at(-1)); // the sender's own came from the server as well
            const events = person.room(roomId).getLiveTimeline().getEvents();
            const bodies = events.filter((event) => event.getWireType() === EventType.RoomMessageEncrypted);
            assert.deepEqual(bodies.map((event) => event.getContent().body), said, person.name);
        }
    });
    await steps.run("Bob types, and stops", async () => {
        const typing = () => alice.room(roomId).getMember(bob.userId).typing;
        await bob.client.sendTyping(roomId, true, 30_000);
        await alice.until("sees Bob typing", typing);
        await bob.client.sendTyping(roomId, false, 0);
        await alice.until("sees Bob stop", () => !typing());
    });
    await steps.run("Bob's read receipt reaches Alice", async () => {
        await alice.say(roomId, "read me");
        const event = await bob.untilReads(roomId, "read me");
        await bob.client.sendReadReceipt(event);
        await alice.until("sees the receipt", () => {
            return alice.room(roomId).getReadReceiptForUserId(bob.userId, true)?.eventId === event.getId();
        });
    });
    await steps.run("account data, of the user and of the room, come too", async () => {
        await alice.client.setAccountData("org.example.pattern", { twill: [2, 2] });
        await alice.client.setRoomAccountData(roomId, "org.example.colour", { warp: "madder" });
        const global = () => alice.client.getAccountData("org.example.pattern")?.getContent();
        const room = () => alice.room(roomId).getAccountData("org.example.colour")?.getContent();
        await alice.until("has both", () => global() && room());
        assert.deepEqual([global(), room()], [{ twill: [2, 2] }, { warp: "madder" }]);
    });
}

async function secondDevice() {
    await steps.run("a new device of Alice's is told to Bob, whose next message it reads", async () => {
        aliceAgain = await Person.login(baseUrl, "Alice again", alice.userId, password);
        await startEncrypted(aliceAgain);
        await aliceAgain.untilMembership(roomId, "join");
        // No /keys/query of Bob's own accord: his client has to hear of it by the extension.
        await eventually(async () => {
            const devices = await bob.client.getCrypto().getUserDeviceInfo([alice.userId]);
            assert.ok(devices.get(alice.userId)?.has(aliceAgain.deviceId));
        });
        await bob.say(roomId, "are there two of you?");
        await aliceAgain.untilReads(roomId, "are there two of you?");
        await aliceAgain.say(roomId, "there are");
        await bob.untilReads(roomId, "there are");
        await alice.untilReads(roomId, "there are");
    });
}

async function windows() {
    const shown = () => phone.client.getRooms().map((room) => room.roomId).sort();
    const listed = () => window.getListData("all");
    const outside = () => shelf.find((one) => !shown().includes(one));

    await steps.run(`of ${ROOMS} rooms a window of ${WINDOW} shows the newest`, async () => {
        for (let n = 0; n < ROOMS - 1; ++n) {
            shelf.push((await bob.client.createRoom({ preset: Preset.PrivateChat, name: `Shelf ${n}` })).room_id);
            await bob.untilMembership(shelf[n], "join");
            await bob.say(shelf[n], "first of all");
        }
        phone = await Person.login(baseUrl, "Bob's phone", bob.userId, password);
        window = await startSliding(phone, WINDOW - 1);
        assert.deepEqual(shown(), Object.values(listed().roomIndexToRoomId).sort());
        assert.equal(shown().length, WINDOW);
        // Where workers die a room may have been begun twice, and writers that start take a moment to agree on the order.
        if (workersDie) return;
        assert.equal(listed().joinedCount, ROOMS);
        assert.deepEqual(shown(), shelf.slice(-WINDOW).sort());
        assert.equal(phone.room(shelf.at(-1)).name, `Shelf ${ROOMS - 2}`);
    });
    await steps.run("a message in an older room brings it into the window", async () => {
        const older = outside();
        await phone.untilEvent(older, await bob.say(older, "I am still here"));
        assert.ok(outside(), "another room stays outside");
    });
    await steps.run("a subscription brings a room from outside of the window", async () => {
        const wanted = outside();
        await window.modifyRoomSubscriptions(new Set([wanted]));
        await phone.untilMembership(wanted, "join");
    });
    await steps.run("a window that grows shows the rest", async () => {
        const before = shown().length;
        await window.setListRanges("all", [[0, 10 * ROOMS]]);
        await phone.until("sees all rooms", () => [roomId, ...shelf].every((one) => shown().includes(one)));
        assert.ok(before < ROOMS);
    });
    await steps.run("unread messages are counted until they are read", async () => {
        await bob.client.invite(shelf[2], alice.userId);
        await alice.untilMembership(shelf[2], "invite");
        await alice.client.joinRoom(shelf[2]);
        await alice.untilMembership(shelf[2], "join");
        const unread = () => phone.room(shelf[2]).getUnreadNotificationCount(NotificationCountType.Total);
        const event = await phone.untilEvent(shelf[2], await alice.say(shelf[2], "unread so far"));
        await phone.until("counts one", () => unread() === 1);
        await phone.client.sendReadReceipt(event);
        await phone.until("counts none", () => unread() === 0);
    });
}

async function farewell() {
    await steps.run("Bob leaves, and all are well to the end", async () => {
        await bob.client.leave(roomId);
        await alice.untilMembership(roomId, "leave", bob.userId);
        for (const person of [alice, aliceAgain, bob, phone]) {
            person.assertHealthy();
            await person.client.logout(true);
        }
    });
}

await runProgram(steps, [meeting, talking, secondDevice, windows, farewell], RUN_DEADLINE_MS);
