// What the chat needs around the SDK: steps that are counted, waits that have a deadline, and people.
import assert from "node:assert/strict";
import { workersDie } from "./patience.mjs";
import sdk from "./sdk.mjs";

const { ClientEvent, EventType, HttpApiEvent, MatrixEventEvent, RoomEvent, SyncState } = sdk;
const { Direction, MemoryStore, PendingEventOrdering, TimelineWindow } = sdk;

/** How long anything may take to arrive at another client. Generous: a slow machine must not fail the tests. */
const DEADLINE_MS = workersDie ? 60_000 : 20_000;
/** How many events a person scrolls back when a sync had too many to bring them all. */
const GAP_EVENTS_MAX = 100;

/** Runs named steps in order, a line each. The first failure ends the run: later steps build on earlier ones. */
export class Steps {
    #passed = 0;

    async run(name, body) {
        const start = process.hrtime.bigint();
        try {
            await body();
        } catch (error) {
            console.log(`FAIL  ${name}`);
            console.log(describe(error));
            console.log(`${this.#passed} passed, 1 failed`);
            throw new StepFailed(name);
        }
        const milliseconds = Number((process.hrtime.bigint() - start) / 1_000_000n);
        this.#passed += 1;
        console.log(`ok    ${name} (${milliseconds} ms)`);
    }

    summary() {
        console.log(`${this.#passed} passed, 0 failed`);
    }
}

export class StepFailed extends Error {}

/** The whole of a program: runs its parts one after the other, and ends the process with what came of it. */
export async function runProgram(steps, parts, deadlineMs) {
    setTimeout(() => {
        console.log(`FAIL  the run took longer than ${deadlineMs / 1000} s`);
        process.exit(1);
    }, deadlineMs);
    let failed = false;
    try {
        for (const part of parts) await part();
        steps.summary();
    } catch (error) {
        if (!(error instanceof StepFailed)) console.log(error);
        failed = true;
    }
    // Not by running out of work: the SDK's request timeouts would keep the process for minutes.
    process.exit(failed ? 1 : 0);
}

function describe(error) {
    const text = error?.stack ?? String(error);
    const http = error?.httpStatus ? `\nHTTP ${error.httpStatus}: ${JSON.stringify(error.data)}` : "";
    return (text + http).replace(/^/gm, "      ");
}

/** Checks that `promise` is refused with this HTTP status and, where the specification names one, Matrix error code. */
export async function assertRefused(promise, httpStatus, errcode) {
    await assert.rejects(promise, (error) => {
        assert.equal(error.httpStatus, httpStatus, String(error));
        assert.match(error.errcode, /^[A-Z]/);
        if (errcode) assert.equal(error.errcode, errcode, String(error));
        return true;
    });
}

/**
 * Repeats a request until `check` accepts its answer (or refusal). For what no sync has told this client yet: the
 * process that answers may be a moment behind the one that was written to.
 */
export async function eventually(check) {
    const end = Date.now() + DEADLINE_MS;
    for (;;) {
        try {
            return await check();
        } catch (error) {
            if (!(error instanceof assert.AssertionError || error.httpStatus) || Date.now() > end) throw error;
        }
        // A check that asks no server must not keep the client from what the server sends.
        await new Promise(setImmediate);
    }
}

/** The texts of those of the events that are messages. */
export function bodies(events) {
    return events
        .filter((event) => event.getType() === "m.room.message" && !event.isRedacted())
        .map((event) => event.getContent().body);
}

/** Keeps its place in the sync stream when the client is stopped and started again. */
class ResumingStore extends MemoryStore {
    getSavedSyncToken() {
        return Promise.resolve(this.getSyncToken());
    }
}

/** One user with one device: a MatrixClient, its sync loop, and waiting for what the loop brings. */
export class Person {
    /** Message events in the order in which the live timeline brought them, each as often as it came. */
    received = [];
    #problems = [];
    #syncState = null; // the client itself forgets it when it stops
    #watchers = new Set();

    constructor(name, baseUrl, session, options = {}) {
        this.name = name;
        this.userId = session.user_id;
        this.deviceId = session.device_id;
        this.accessToken = session.access_token;
        this.client = sdk.createClient({
            baseUrl,
            userId: session.user_id,
            deviceId: session.device_id,
            accessToken: session.access_token,
            store: new ResumingStore(),
            timelineSupport: true,
            localTimeoutMs: DEADLINE_MS,
            ...options,
        });
        this.#listen();
    }

    /** Registers through user-interactive authentication, as a client does that knows nothing of the server. */
    static async register(baseUrl, name, username, password, options) {
        const anonymous = sdk.createClient({ baseUrl });
        const wanted = { username, password, initial_device_display_name: `${name}'s loom` };
        const challenge = await anonymous.registerRequest(wanted).then(
            () => assert.fail("registration without authentication was accepted"),
            (error) => error,
        );
        assert.equal(challenge.httpStatus, 401, String(challenge));
        const dummy = challenge.data.flows.find((flow) => flow.stages.every((stage) => stage === "m.login.dummy"));
        assert.ok(dummy, `no m.login.dummy flow in ${JSON.stringify(challenge.data)}`);
        assert.ok(challenge.data.session, "the challenge names a session");

        const auth = { type: "m.login.dummy", session: challenge.data.session };
        const session = await anonymous.registerRequest({ ...wanted, auth });
        assert.match(session.user_id, new RegExp(`^@${username}:`));
        assert.ok(session.access_token && session.device_id);
        return new Person(name, baseUrl, session, options);
    }

    /** Logs in on a new device. */
    static async login(baseUrl, name, userId, password, options) {
        const identifier = { type: "m.id.user", user: userId };
        const session = await sdk.createClient({ baseUrl }).login("m.login.password", { identifier, password });
        return new Person(name, baseUrl, session, options);
    }

    #listen() {
        const check = () => this.#check();
        // Relations and redactions are applied in promises of their own, so look again once those have run.
        const checkTwice = () => {
            check();
            setImmediate(check);
        };
        this.client.on(ClientEvent.Event, checkTwice);
        this.client.on(MatrixEventEvent.Decrypted, checkTwice);
        this.client.on(ClientEvent.Sync, (state, _previous, data) => {
            this.#syncState = state;
            // Where workers die the SDK has to reconnect, and that it does is part of the test.
            if (!workersDie && (state === SyncState.Error || state === SyncState.Reconnecting)) {
                this.#problems.push(`sync became ${state}: ${data?.error}`);
            }
            checkTwice();
        });
        this.client.on(ClientEvent.SyncUnexpectedError, (error) => {
            this.#problems.push(`the SDK could not process a sync response: ${error.stack}`);
            check();
        });
        this.client.on(HttpApiEvent.SessionLoggedOut, (error) => {
            this.#problems.push(`unexpected logout: ${error}`);
            check();
        });
        // While the SDK waits before it tries again, more may have happened than a sync brings.
        if (workersDie) this.client.on(RoomEvent.TimelineReset, (room) => setImmediate(() => this.#fillGap(room)));
        this.client.on(RoomEvent.Timeline, (event, room, toStartOfTimeline, _removed, data) => {
            if (data.liveEvent && !toStartOfTimeline && event.getType() === "m.room.message" && !event.status) {
                this.received.push({ roomId: room.roomId, eventId: event.getId(), body: event.getContent().body });
            }
        });
    }

    async #fillGap(room) {
        const options = { backwards: true, limit: GAP_EVENTS_MAX };
        await this.client.paginateEventTimeline(room.getLiveTimeline(), options).catch((error) => {
            this.#problems.push(`a gap could not be filled: ${error.stack}`);
        });
        this.#check();
    }

    #check() {
        for (const watcher of [...this.#watchers]) watcher();
    }

    /** Starts the sync loop and waits until the first response has been taken in. */
    async start(options = {}) {
        await this.client.startClient({
            lazyLoadMembers: true,
            initialSyncLimit: 8,
            pendingEventOrdering: PendingEventOrdering.Detached,
            ...options,
        });
        await this.until("is synced", () => this.#syncState === SyncState.Syncing);
    }

    /** Stops the sync loop, as a client does that goes offline; `start` takes it up again. */
    async stop() {
        this.client.stopClient();
        await this.until("has stopped", () => this.#syncState === SyncState.Stopped);
    }

    /**
     * Waits until this client has seen what `predicate` asks for, and returns the predicate's (truthy) value. `what` is
     * a text, or a function that makes one.
     */
    until(what, predicate) {
        return new Promise((resolve, reject) => {
            const finish = (settle, value) => {
                clearTimeout(timer);
                this.#watchers.delete(watcher);
                settle(value);
            };
            const watcher = () => {
                try {
                    this.assertHealthy();
                    const value = predicate();
                    if (value) finish(resolve, value);
                } catch (error) {
                    finish(reject, error);
                }
            };
            const late = () => {
                const text = typeof what === "function" ? what() : what;
                finish(reject, new Error(`${this.name}: not within ${DEADLINE_MS} ms: ${text}`));
            };
            const timer = setTimeout(late, DEADLINE_MS);
            this.#watchers.add(watcher);
            watcher();
        });
    }

    assertHealthy() {
        assert.deepEqual(this.#problems, [], `${this.name}'s client is not well`);
    }

    room(roomId) {
        return this.client.getRoom(roomId);
    }

    /** The event as this client's timeline holds it. */
    event(roomId, eventId) {
        return this.room(roomId)?.findEventById(eventId);
    }

    untilEvent(roomId, eventId) {
        return this.until(`sees ${eventId}`, () => this.event(roomId, eventId));
    }

    /** Waits until the timeline shows the text, which came encrypted; returns the event. */
    untilReads(roomId, body) {
        // A gap that was scrolled over leaves what was before it in a timeline of its own.
        const timelines = () => this.room(roomId)?.getUnfilteredTimelineSet().getTimelines() ?? [];
        const events = () => timelines().flatMap((timeline) => timeline.getEvents());
        const shown = () => events().map((event) => event.getContent().body ?? event.getType());
        return this.until(() => `reads '${body}'; the end is ${JSON.stringify(shown().slice(-10))}`, () => {
            const event = events().find((one) => one.getContent().body === body);
            if (!event || event.isDecryptionFailure() || event.status) return false;
            assert.equal(event.getWireType(), EventType.RoomMessageEncrypted);
            return event;
        });
    }

    untilMembership(roomId, membership, userId = this.userId) {
        return this.until(`sees ${userId} as '${membership}'`, () => {
            const room = this.room(roomId);
            const seen = userId === this.userId ? room?.getMyMembership() : room?.getMember(userId)?.membership;
            return seen === membership && room;
        });
    }

    /** Sends a text and returns its event ID. */
    async say(roomId, body) {
        return (await this.client.sendTextMessage(roomId, body)).event_id;
    }

    /** Scrolls back to where the room began; returns all its events, oldest first. */
    async scrollToTheBeginning(roomId) {
        const timelines = this.room(roomId).getUnfilteredTimelineSet();
        const view = new TimelineWindow(this.client, timelines, { windowLimit: Number.MAX_SAFE_INTEGER });
        await view.load();
        while (view.canPaginate(Direction.Backward)) {
            const before = view.getEvents().length;
            const more = await view.paginate(Direction.Backward, 30);
            assert.equal(view.getEvents().length > before, more, "a page that promises more brings events");
        }
        return view.getEvents();
    }
}
