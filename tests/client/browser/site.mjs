// Serves Hydrogen as a site would: the page, the client in one file, what its package brings along.
import { build } from "esbuild";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "..", "node_modules");
const hydrogen = join(modules, "hydrogen-view-sdk");
const TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
};

/** Where a path of the site is on disk; its directories are the only ones that are served. */
function fileOf(path) {
    if (path.includes("..")) return null;
    if (path === "/" || path === "/index.html") return join(here, "index.html");
    if (path === "/sw.js") return join(hydrogen, "lib-build", "sw.js");
    if (path.startsWith("/assets/")) return join(hydrogen, "asset-build", path);
    if (path.startsWith("/olm/")) return join(modules, "@matrix-org", path);
    return null;
}

/** Starts the site for one homeserver; { url, close }. */
export async function serveHydrogen(homeserver) {
    const bundle = await build({
        entryPoints: [join(here, "client.mjs")],
        bundle: true,
        define: { global: "window" },
        external: ["crypto", "fs", "path"], // of Node.js, which some packages look for
        format: "iife",
        write: false,
    });
    const made = {
        "/client.js": bundle.outputFiles[0].text,
        "/config.json": JSON.stringify({ defaultHomeServer: homeserver }),
        "/favicon.ico": "",
    };
    const server = createServer(async (request, response) => {
        const path = new URL(request.url, "http://site").pathname;
        const file = fileOf(path);
        try {
            const content = made[path] ?? (file && (await readFile(file)));
            response.statusCode = content === null ? 404 : 200;
            response.setHeader("Content-Type", TYPES[extname(file ?? path)] ?? "application/octet-stream");
            response.end(content);
        } catch {
            response.statusCode = 404;
            response.end();
        }
    });
    await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
    return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}
