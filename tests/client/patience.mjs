// With WEFT_WORKERS_DIE=1 processes of the server are killed while a program runs. A request that met a dying one is
// refused with 502, 503 or 504, or its connection breaks; then a person does the same again, and so does this `fetch`,
// which the SDK takes where it finds it. Any other answer is the server's word. The sync loops are left to the SDK.
import "./answers.mjs";

export const workersDie = process.env.WEFT_WORKERS_DIE === "1";

const PATIENCE_MS = 30_000;
const PAUSE_MS = 200;
const refused = new Set([502, 503, 504]);
const once = globalThis.fetch;

function isSync(url) {
    return new URL(url).pathname.endsWith("/sync");
}

async function repeatedly(url, options) {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
        try {
            const response = await once(url, options);
            if (!refused.has(response.status) || Date.now() > end) return response;
            await response.arrayBuffer();
        } catch (error) {
            if (options?.signal?.aborted || Date.now() > end) throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
}

if (workersDie) {
    globalThis.fetch = (url, options) => (isSync(url) ? once(url, options) : repeatedly(url, options));
}
