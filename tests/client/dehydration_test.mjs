// Somebody leaves a dehydrated device behind (MSC3814) and logs out everywhere: the keys of what is said meanwhile wait there
// for their next device. matrix-js-sdk with its Rust crypto.
//
//     WEFT_URL=http://127.0.0.1:8008 node dehydration_test.mjs
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import sdk from "./sdk.mjs";
import { eventually, Person, runProgram, Steps } from "./harness.mjs";

const RUN_DEADLINE_MS = 150_000;
const { EventType, Preset } = sdk;

// The Rust part logs to the console by itself.
if (!process.env.WEFT_SDK_LOG) for (const level of ["debug", "info", "warn"]) console[level] = () => {};

const baseUrl = process.env.WEFT_URL ?? "http://127.0.0.1:8008";
const run = randomBytes(4).toString("hex"); // names of their own, so that a server can be tested again
const password = `warp and weft ${run}`;
const steps = new Steps();
let alice, bob, roomId;

/** What Alice remembers: the key of the secret storage, which each of her devices may ask for. */
const remembered = new Map();
const ofAlice = {
    cryptoCallbacks: {
        getSecretStorageKey: async ({ keys }) => {
            const id = Object.keys(keys).find((key) => remembered.has(key));
            return id ? [id, remembered.get(id)] : null;
        },
        cacheSecretStorageKey: (id, _info, key) => remembered.set(id, key),
    },
};

async function startEncrypted(person) {
    await person.client.initRustCrypto({ useIndexedDB: false });
    await person.start();
}

async function dehydratedOf(person) {
    const devices = await person.client.downloadKeysForUsers([alice.userId]);
    return Object.values(devices.device_keys[alice.userId]).filter((device) => device.dehydrated);
}

async function leaving() {
    await steps.run("Alice and Bob meet in an encrypted room", async () => {
        alice = await Person.register(baseUrl, "Alice", `alice-${run}`, password, ofAlice);
        bob = await Person.register(baseUrl, "Bob", `bob-${run}`, password);
        for (const person of [alice, bob]) await startEncrypted(person);
        const room = await bob.client.createRoom({
            preset: Preset.PrivateChat,
            invite: [alice.userId],
            initial_state: [{ type: EventType.RoomEncryption, state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } }],
        });
        roomId = room.room_id;
        await alice.untilMembership(roomId, "invite");
        await alice.client.joinRoom(roomId);
        await bob.untilMembership(roomId, "join", alice.userId);
    });
    await steps.run("Alice leaves a dehydrated device behind", async () => {
        const crypto = alice.client.getCrypto();
        await crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: (upload) => upload(null) });
        const recoveryKey = await crypto.createRecoveryKeyFromPassphrase();
        await crypto.bootstrapSecretStorage({ createSecretStorageKey: async () => recoveryKey });
        assert.equal(await crypto.isDehydrationSupported(), true);
        // The SDK looks at account data and keys that sync and a query of keys bring back to it.
        await eventually(async () => {
            assert.equal(await crypto.isCrossSigningReady(), true);
            assert.equal(await crypto.isSecretStorageReady(), true);
        });
        await crypto.startDehydration();
        await eventually(async () => assert.equal((await dehydratedOf(bob)).length, 1));
    });
    await steps.run("and logs out of her only other one", async () => {
        await alice.client.logout(true);
        const devices = await eventually(async () => {
            const info = await bob.client.getCrypto().getUserDeviceInfo([alice.userId], true);
            assert.equal(info.get(alice.userId).size, 1);
            return info.get(alice.userId);
        });
        assert.ok([...devices.values()].every((device) => device.deviceId !== alice.deviceId));
    });
}

async function comingBack() {
    const said = [];
    await steps.run("Bob goes on talking", async () => {
        for (let n = 0; n < 3; ++n) {
            await bob.client.getCrypto().forceDiscardSession(roomId); // each message has a key of its own
            said.push(await bob.say(roomId, `while you were away ${n}`));
        }
    });
    await steps.run("a new device of Alice's finds the keys in the dehydrated one, and takes its place", async () => {
        const [before] = await dehydratedOf(bob);
        const fresh = await Person.login(baseUrl, "Alice again", alice.userId, password, ofAlice);
        await startEncrypted(fresh);
        const crypto = fresh.client.getCrypto();
        await eventually(async () => {
            const devices = await crypto.getUserDeviceInfo([alice.userId], true);
            assert.ok(devices.get(alice.userId)?.has(fresh.deviceId));
        });
        await crypto.bootstrapCrossSigning({});
        await crypto.startDehydration();
        await eventually(async () => {
            const events = fresh.room(roomId).getLiveTimeline().getEvents().filter((event) => said.includes(event.getId()));
            assert.equal(events.length, said.length);
            await Promise.all(events.map((event) => fresh.client.decryptEventIfNeeded(event)));
            assert.deepEqual(events.map((event) => event.getContent().body), said.map((_, n) => `while you were away ${n}`));
        });
        const after = await dehydratedOf(bob);
        assert.equal(after.length, 1);
        assert.notEqual(after[0].device_id, before.device_id);
        await fresh.client.logout(true);
    });
}

await runProgram(steps, [leaving, comingBack], RUN_DEADLINE_MS);
