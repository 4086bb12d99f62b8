// Two people with two devices each: they verify each other by comparing emoji, claim each other's one-time keys all at
// once, and go on reading while every worker of the cluster is killed in turn. matrix-js-sdk with its Rust crypto.
//
//     WEFT_URL=http://127.0.0.1:8008 node verification_test.mjs
//
// With WEFT_RESTARTS=1 it writes "restart every worker" and waits for a line on standard input that says it is done.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { workersDie } from "./patience.mjs";
import sdk from "./sdk.mjs";
import { eventually, Person, runProgram, Steps } from "./harness.mjs";

const CLAIMS = 40; // fewer than a device publishes
const CLAIMANTS = 8;
const DEADLINE_MS = workersDie ? 60_000 : 20_000;
const RUN_DEADLINE_MS = 280_000;
/** Of a verification request; the SDK's enumeration is not exported in this version. */
const PHASE = { ready: 3, started: 4, cancelled: 5 };
const { CryptoEvent, EventType, Preset } = sdk;

// The Rust part logs to the console by itself.
if (!process.env.WEFT_SDK_LOG) for (const level of ["debug", "info", "warn"]) console[level] = () => {};

const baseUrl = process.env.WEFT_URL ?? "http://127.0.0.1:8008";
const run = randomBytes(4).toString("hex"); // names of their own, so that a server can be tested again
const password = `warp and weft ${run}`;
const steps = new Steps();
let alice, aliceAgain, bob, bobAgain, roomId;

/** What a person remembers: the key of the secret storage, which each of their devices may ask for. */
function memory() {
    const remembered = new Map();
    return {
        cryptoCallbacks: {
            getSecretStorageKey: async ({ keys }) => {
                const id = Object.keys(keys).find((key) => remembered.has(key));
                return id ? [id, remembered.get(id)] : null;
            },
            cacheSecretStorageKey: (id, _info, key) => remembered.set(id, key),
        },
    };
}
const ofAlice = memory();
const ofBob = memory();

async function startEncrypted(person) {
    await person.client.initRustCrypto({ useIndexedDB: false });
    await person.start();
}

function within(promise, what) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`not within ${DEADLINE_MS} ms: ${what}`)), DEADLINE_MS);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** The next request for verification that reaches a person's device. */
function nextRequest(person) {
    return new Promise((resolve) => person.client.once(CryptoEvent.VerificationRequestReceived, resolve));
}

/** Waits until a request has got into a phase. */
function untilPhase(request, phase) {
    const reached = new Promise((resolve, reject) => {
        const check = () => {
            if (request.phase === phase) resolve();
            else if (request.phase === PHASE.cancelled) reject(new Error(`cancelled: ${request.cancellationCode}`));
        };
        request.on("change", check);
        check();
    });
    return within(reached, `phase ${phase} of a verification`);
}

/** One side of the comparison: shows its emoji; `confirm` and the end of the whole. */
function compare(verifier) {
    const shown = new Promise((resolve) => verifier.on("show_sas", resolve));
    const done = verifier.verify();
    done.catch(() => {}); // who waits for it hears of it
    return { shown: within(shown, "the emoji"), done };
}

/** Goes through the whole of SAS between who asked and who was asked. */
async function verifyBySas(asking, asked) {
    await asked.accept();
    await untilPhase(asking, PHASE.ready);
    const first = await asking.startVerification("m.sas.v1");
    await untilPhase(asked, PHASE.started);
    const [one, other] = [compare(first), compare(asked.verifier)];
    const [mine, theirs] = await Promise.all([one.shown, other.shown]);
    assert.equal(mine.sas.emoji.length, 7);
    assert.deepEqual(mine.sas.emoji, theirs.sas.emoji);
    assert.deepEqual(mine.sas.decimal, theirs.sas.decimal);
    await Promise.all([mine.confirm(), theirs.confirm()]);
    await within(Promise.all([one.done, other.done]), "the verification to end");
}

async function isVerified(person, userId, deviceId) {
    const status = await person.client.getCrypto().getDeviceVerificationStatus(userId, deviceId);
    return status?.crossSigningVerified ?? false;
}

const everybody = () => [alice, aliceAgain, bob, bobAgain];

async function beginning() {
    await steps.run("two people log in on two devices each", async () => {
        alice = await Person.register(baseUrl, "Alice", `alice-${run}`, password, ofAlice);
        bob = await Person.register(baseUrl, "Bob", `bob-${run}`, password, ofBob);
        for (const person of [alice, bob]) {
            await startEncrypted(person);
            const crypto = person.client.getCrypto();
            await crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: (upload) => upload(null) });
            const recoveryKey = await crypto.createRecoveryKeyFromPassphrase();
            await crypto.bootstrapSecretStorage({ createSecretStorageKey: async () => recoveryKey, setupNewKeyBackup: true });
            await crypto.checkKeyBackupAndEnable();
        }
        aliceAgain = await Person.login(baseUrl, "Alice again", alice.userId, password, ofAlice);
        bobAgain = await Person.login(baseUrl, "Bob again", bob.userId, password, ofBob);
        await Promise.all([startEncrypted(aliceAgain), startEncrypted(bobAgain)]);
    });
    await steps.run("they meet in an encrypted room", async () => {
        const encryption = { algorithm: "m.megolm.v1.aes-sha2" };
        const room = await alice.client.createRoom({
            preset: Preset.PrivateChat,
            is_direct: true,
            invite: [bob.userId],
            initial_state: [{ type: EventType.RoomEncryption, state_key: "", content: encryption }],
        });
        roomId = room.room_id;
        await bob.untilMembership(roomId, "invite");
        await bob.client.joinRoom(roomId);
        for (const person of everybody()) await person.untilMembership(roomId, "join", bob.userId);
        await alice.say(roomId, "before all else");
        for (const person of everybody()) await person.untilReads(roomId, "before all else");
    });
}

async function verifying() {
    for (const [first, second, name] of [[() => alice, () => aliceAgain, "Alice"], [() => bob, () => bobAgain, "Bob"]]) {
        await steps.run(`${name}'s two devices verify each other by emoji`, async () => {
            const [old, fresh] = [first(), second()];
            await eventually(async () => {
                const devices = await old.client.getCrypto().getUserDeviceInfo([old.userId], true);
                assert.ok(devices.get(old.userId)?.has(fresh.deviceId));
            });
            assert.equal(await isVerified(old, old.userId, fresh.deviceId), false);
            const received = nextRequest(old);
            const asking = await fresh.client.getCrypto().requestOwnUserVerification();
            await verifyBySas(asking, await within(received, "the request"));
            await eventually(async () => assert.equal(await isVerified(old, old.userId, fresh.deviceId), true));
            await eventually(async () => assert.equal(await isVerified(fresh, old.userId, old.deviceId), true));
        });
    }
    await steps.run("Alice and Bob verify each other by emoji, in their room", async () => {
        const received = nextRequest(bob);
        const asking = await alice.client.getCrypto().requestVerificationDM(bob.userId, roomId);
        await verifyBySas(asking, await within(received, "the request"));
        for (const [person, other] of [[alice, bob], [bob, alice]]) {
            await eventually(async () => {
                const status = await person.client.getCrypto().getUserVerificationStatus(other.userId);
                assert.equal(status.isCrossSigningVerified(), true);
            });
        }
    });
    await steps.run("so each trusts all devices of the other", async () => {
        await eventually(async () => assert.equal(await isVerified(alice, bob.userId, bobAgain.deviceId), true));
        await eventually(async () => assert.equal(await isVerified(bob, alice.userId, aliceAgain.deviceId), true));
    });
}

async function claiming() {
    await steps.run(`${CLAIMS} claims of one device's keys at once get ${CLAIMS} different keys`, async () => {
        const claimants = [];
        for (let n = 0; n < CLAIMANTS; ++n) {
            claimants.push(await Person.register(baseUrl, `Claimant ${n}`, `claimant${n}-${run}`, password));
        }
        const claims = Array.from({ length: CLAIMS }, (_, n) =>
            claimants[n % CLAIMANTS].client.claimOneTimeKeys([[bobAgain.userId, bobAgain.deviceId]]));
        const keys = (await Promise.all(claims)).map((answer) => {
            const [[id, key]] = Object.entries(answer.one_time_keys[bobAgain.userId][bobAgain.deviceId]);
            assert.equal(key.fallback, undefined, "there were keys enough");
            return id;
        });
        assert.equal(new Set(keys).size, CLAIMS, "no key is handed out twice");
        for (const claimant of claimants) await claimant.client.logout();
    });
    await steps.run("the device publishes new ones, and is still reached", async () => {
        await eventually(async () => {
            const counts = await bobAgain.client.uploadKeysRequest({});
            assert.ok(counts.one_time_key_counts.signed_curve25519 >= 40, JSON.stringify(counts));
        });
        await alice.say(roomId, "still there?");
        await bobAgain.untilReads(roomId, "still there?");
    });
}

async function restarting() {
    if (!process.env.WEFT_RESTARTS) return;
    const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
    await steps.run("nothing is lost while every worker is killed in turn", async () => {
        console.log("restart every worker");
        const restarted = lines.next();
        let ended = false;
        restarted.then(() => (ended = true));
        const said = [];
        for (let n = 0; !ended; ++n) {
            const [person, body] = [everybody()[n % 4], `in the storm ${n}`];
            try {
                await person.say(roomId, body);
                said.push(body);
            } catch (error) {
                // What met a dying process may be refused; then it must be sent again.
                if (!error.httpStatus && error.name !== "ConnectionError") throw error;
            }
            await new Promise((resolve) => setTimeout(resolve, 300)); // a pace, not a wait for anything
        }
        assert.equal((await restarted).value, "restarted");
        assert.ok(said.length >= 4, `${said.length} messages`);
        await bob.say(roomId, "after the storm");
        for (const person of everybody()) {
            await person.untilReads(roomId, "after the storm");
            for (const body of said) await person.untilReads(roomId, body);
        }
    });
}

async function history() {
    await steps.run("a new device that restores the backup reads everything from the beginning", async () => {
        const third = await Person.login(baseUrl, "Alice's third", alice.userId, password, ofAlice);
        await startEncrypted(third);
        const newest = await alice.say(roomId, "for the third device");
        await third.untilEvent(roomId, newest);
        await eventually(async () => {
            const info = await third.client.getKeyBackupVersion();
            const result = await third.client.restoreKeyBackupWithSecretStorage(info);
            assert.ok(result.imported >= 1, `${result.imported} of ${result.total} keys imported`);
            const events = await third.scrollToTheBeginning(roomId);
            const encrypted = events.filter((event) => event.getWireType() === EventType.RoomMessageEncrypted);
            await Promise.all(encrypted.map((event) => event.getDecryptionPromise()));
            assert.ok(encrypted.some((event) => event.getContent().body === "before all else"));
            assert.deepEqual(encrypted.filter((event) => event.isDecryptionFailure()).map((event) => event.getId()), []);
        });
        await third.client.logout(true);
    });
}

await runProgram(steps, [beginning, verifying, claiming, restarting, history], RUN_DEADLINE_MS);
