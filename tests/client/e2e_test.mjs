// Two people talk in an encrypted room, through matrix-js-sdk with its Rust crypto alone.
//
//     WEFT_URL=http://127.0.0.1:8008 node e2e_test.mjs
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import sdk from "./sdk.mjs";
import { eventually, Person, runProgram, Steps } from "./harness.mjs";

const MESSAGES = 20;
const RUN_DEADLINE_MS = 200_000;
const { EventType, Preset } = sdk;

// The Rust part logs to the console by itself.
if (!process.env.WEFT_SDK_LOG) for (const level of ["debug", "info", "warn"]) console[level] = () => {};

const baseUrl = process.env.WEFT_URL ?? "http://127.0.0.1:8008";
const run = randomBytes(4).toString("hex"); // names of their own, so that a server can be tested again
const password = `warp and weft ${run}`;
const steps = new Steps();
let alice, bob, secondAlice, roomId;

/** Alice remembers the key of her secret storage, and gives it to each of her devices that asks. */
const remembered = new Map();
const memory = {
    cryptoCallbacks: {
        getSecretStorageKey: async ({ keys }) => {
            const id = Object.keys(keys).find((key) => remembered.has(key));
            return id ? [id, remembered.get(id)] : null;
        },
        cacheSecretStorageKey: (id, _info, key) => remembered.set(id, key),
    },
};

/** Makes the device's identity, in memory, and begins to sync: that publishes its keys. */
async function startEncrypted(person) {
    await person.client.initRustCrypto({ useIndexedDB: false });
    await person.start();
}

async function publishedDevices(person, userId) {
    const devices = await person.client.getCrypto().getUserDeviceInfo([userId], true);
    return [...(devices.get(userId)?.keys() ?? [])].sort();
}

async function beginning() {
    await steps.run("two users register, and their devices publish their keys", async () => {
        alice = await Person.register(baseUrl, "Alice", `alice-${run}`, password, memory);
        bob = await Person.register(baseUrl, "Bob", `bob-${run}`, password);
        await Promise.all([startEncrypted(alice), startEncrypted(bob)]);
        await eventually(async () => assert.deepEqual(await publishedDevices(bob, alice.userId), [alice.deviceId]));
        await eventually(async () => assert.deepEqual(await publishedDevices(alice, bob.userId), [bob.deviceId]));
    });
    await steps.run("Alice publishes cross-signing keys, without her password the first time", async () => {
        const crypto = alice.client.getCrypto();
        await crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: (upload) => upload(null) });
        await eventually(async () => assert.equal(await crypto.isCrossSigningReady(), true));
        await eventually(async () => {
            assert.equal(await bob.client.getCrypto().userHasCrossSigningKeys(alice.userId, true), true);
        });
        // Her client believes the signature only once a `/keys/query` has brought it back.
        await eventually(async () => {
            const own = await crypto.getDeviceVerificationStatus(alice.userId, alice.deviceId);
            assert.equal(own.signedByOwner, true);
        });
    });
    await steps.run("Alice makes an encrypted room, and Bob joins", async () => {
        const encryption = { algorithm: "m.megolm.v1.aes-sha2" };
        const room = await alice.client.createRoom({
            preset: Preset.PrivateChat,
            invite: [bob.userId],
            initial_state: [{ type: EventType.RoomEncryption, state_key: "", content: encryption }],
        });
        roomId = room.room_id;
        await bob.untilMembership(roomId, "invite");
        await bob.client.joinRoom(roomId);
        await bob.untilMembership(roomId, "join");
        await alice.untilMembership(roomId, "join", bob.userId);
        assert.equal(await alice.client.getCrypto().isEncryptionEnabledInRoom(roomId), true);
        assert.equal(await bob.client.getCrypto().isEncryptionEnabledInRoom(roomId), true);
    });
}

async function talking() {
    await steps.run("Bob reads what Alice says, and Alice what Bob answers", async () => {
        await alice.say(roomId, "do you read me?");
        await bob.untilReads(roomId, "do you read me?");
        await bob.say(roomId, "loud and clear");
        await alice.untilReads(roomId, "loud and clear");
    });
    await steps.run(`${MESSAGES} messages each way are read by the other`, async () => {
        for (let n = 0; n < MESSAGES; ++n) {
            await Promise.all([alice.say(roomId, `from Alice ${n}`), bob.say(roomId, `from Bob ${n}`)]);
        }
        for (let n = 0; n < MESSAGES; ++n) {
            await bob.untilReads(roomId, `from Alice ${n}`);
            await alice.untilReads(roomId, `from Bob ${n}`);
        }
    });
}

async function backup() {
    await steps.run("Alice backs up her room keys", async () => {
        const crypto = alice.client.getCrypto();
        const recoveryKey = await crypto.createRecoveryKeyFromPassphrase();
        await crypto.bootstrapSecretStorage({
            createSecretStorageKey: async () => recoveryKey,
            setupNewKeyBackup: true,
        });
        await crypto.checkKeyBackupAndEnable();
        const version = await crypto.getActiveSessionBackupVersion();
        assert.ok(version, "a backup is active");
        await eventually(async () => {
            const info = await alice.client.getKeyBackupVersion();
            assert.equal(info.version, version);
            assert.ok(info.count >= 2, `${info.count} keys in the backup`);
        });
    });
}

async function secondDevice() {
    await steps.run("Alice logs in on a second device, and the others learn of it", async () => {
        secondAlice = await Person.login(baseUrl, "Alice again", alice.userId, password, memory);
        await startEncrypted(secondAlice);
        const both = [alice.deviceId, secondAlice.deviceId].sort();
        await eventually(async () => assert.deepEqual(await publishedDevices(bob, alice.userId), both));
        await eventually(async () => assert.deepEqual(await publishedDevices(alice, alice.userId), both));
    });
    await steps.run("new messages reach both devices, their room keys as to-device messages", async () => {
        await bob.say(roomId, "are there two of you?");
        await alice.untilReads(roomId, "are there two of you?");
        await secondAlice.untilReads(roomId, "are there two of you?");
        await alice.say(roomId, "from the first device");
        await secondAlice.untilReads(roomId, "from the first device");
        await bob.untilReads(roomId, "from the first device");
        await secondAlice.say(roomId, "from the second device");
        await alice.untilReads(roomId, "from the second device");
        await bob.untilReads(roomId, "from the second device");
    });
    await steps.run("what was said before is not for the second device to read, until it has the backup", async () => {
        const old = (await secondAlice.scrollToTheBeginning(roomId)).find((event) => event.isDecryptionFailure());
        assert.ok(old, "an old message is not readable");
        const info = await secondAlice.client.getKeyBackupVersion();
        const result = await secondAlice.client.restoreKeyBackupWithSecretStorage(info);
        assert.ok(result.imported >= 2, `${result.imported} of ${result.total} keys imported`);
        await secondAlice.until("reads the first message", () => !old.isDecryptionFailure() && old.getContent().body);
    });
}

async function farewell() {
    await steps.run("all are well to the end", async () => {
        for (const person of [alice, bob, secondAlice]) {
            person.assertHealthy();
            await person.client.logout(true);
        }
    });
}

await runProgram(steps, [beginning, talking, backup, secondDevice, farewell], RUN_DEADLINE_MS);
