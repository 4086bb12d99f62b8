// With WEFT_ANSWERS=FILE each answer of a homeserver is written down, a line of JSON each, to be compared with the specification
// afterwards. Modules that keep `fetch` for themselves come after this one.
import { appendFileSync } from "node:fs";

const file = process.env.WEFT_ANSWERS;

/** Writes an answer down. `type` is its Content-Type. */
export function record(method, url, status, type, body) {
    if (!file || !new URL(url).pathname.startsWith("/_matrix/")) return;
    const { pathname, search } = new URL(url);
    appendFileSync(file, JSON.stringify({ method, path: pathname + search, status, type: type ?? "", body }) + "\n");
}

if (file) {
    const fetch = globalThis.fetch;
    globalThis.fetch = async (url, options) => {
        const response = await fetch(url, options);
        const type = response.headers.get("Content-Type");
        // What is no text has no schema; a body that breaks off is the reader's to complain about.
        const body = type?.startsWith("application/json") ? await response.clone().text().catch(() => undefined) : "";
        if (body !== undefined) record(options?.method ?? "GET", String(url), response.status, type, body);
        return response;
    };
}
