// Sliding sync for a Person: the SDK's own SlidingSync, which in this version speaks the first dialect (MSC3575), and
// what it takes to speak the simplified one (MSC4186) instead, as later versions of the SDK do by themselves.
import slidingSync from "matrix-js-sdk/lib/sliding-sync.js";
import sdk from "./sdk.mjs";

const { ExtensionState, SlidingSync } = slidingSync;
const PREFIX = "/_matrix/client/unstable/org.matrix.simplified_msc3575";
const POLL_MS = 20_000;

/** Makes the client send its requests to the simplified endpoint, which remembers no parameters: each has them all. */
function speakSimplified(client) {
    let lists = {};
    let extensions = {};
    let subscriptions = {};
    client.slidingSync = async (request, _proxy, abortSignal) => {
        if (!request.pos) [lists, extensions, subscriptions] = [{}, {}, {}];
        for (const [key, list] of Object.entries(request.lists)) lists[key] = { ...lists[key], ...list };
        for (const [name, options] of Object.entries(request.extensions)) {
            extensions[name] = { ...extensions[name], ...options };
        }
        for (const roomId of request.unsubscribe_rooms ?? []) delete subscriptions[roomId];
        Object.assign(subscriptions, request.room_subscriptions);
        const query = { timeout: request.timeout, ...(request.pos && { pos: request.pos }) };
        const body = { lists, extensions, room_subscriptions: subscriptions };
        const options = { prefix: PREFIX, localTimeoutMs: request.clientTimeout, abortSignal };
        const answer = await client.http.authedRequest(sdk.Method.Post, "/sync", query, body, options);
        return { ...answer, txn_id: request.txn_id };
    };
}

/** The SDK registers this for its older crypto only. */
function endToEndEncryption(crypto) {
    return {
        name: () => "e2ee",
        when: () => ExtensionState.PreProcess,
        onRequest: (isInitial) => (isInitial ? { enabled: true } : undefined),
        onResponse: async (data) => {
            if (data.device_lists) await crypto.processDeviceLists(data.device_lists);
            await crypto.processKeyCounts(data.device_one_time_keys_count, data.device_unused_fallback_key_types);
            crypto.onSyncCompleted({});
        },
    };
}

/**
 * Starts the person's client on sliding sync with one list, "all", whose window is the rooms from 0 to `last`.
 * Returns the SlidingSync.
 */
export async function startSliding(person, last) {
    speakSimplified(person.client);
    const rooms = {
        timeline_limit: 30,
        required_state: [
            ["m.room.create", ""],
            ["m.room.encryption", ""],
            ["m.room.join_rules", ""],
            ["m.room.name", ""],
            ["m.room.power_levels", ""],
            ["m.room.member", "$ME"],
            ["m.room.member", "$LAZY"],
        ],
    };
    const list = { ...rooms, ranges: [[0, last]] };
    const sliding = new SlidingSync("", new Map([["all", list]]), rooms, person.client, POLL_MS);
    if (person.client.getCrypto()) sliding.registerExtension(endToEndEncryption(person.client.getCrypto()));
    await person.start({ slidingSync: sliding });
    return sliding;
}
