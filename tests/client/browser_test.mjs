// Somebody uses a web client (Hydrogen) in a real browser: logs in, creates a room, writes, sends a picture.
//
//     WEFT_URL=http://127.0.0.1:8008 WEFT_ARTIFACTS=DIR node browser_test.mjs
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { launch } from "puppeteer-core";
import { record } from "./answers.mjs";
import { serveHydrogen } from "./browser/site.mjs";
import { eventually, Person, StepFailed, Steps } from "./harness.mjs";

const DEADLINE_MS = 20_000;
const RUN_DEADLINE_MS = 150_000;
const CHROMIUM = process.env.WEFT_CHROMIUM ?? "/usr/bin/chromium";

const baseUrl = process.env.WEFT_URL ?? "http://127.0.0.1:8008";
const artifacts = process.env.WEFT_ARTIFACTS ?? "artifacts";
const run = randomBytes(4).toString("hex"); // names of their own, so that a server can be tested again
const password = `warp and weft ${run}`;
const steps = new Steps();
let site, browser, page, weaver, guest, roomId;

function crc32(bytes) {
    let sum = ~0;
    for (const byte of bytes) {
        sum ^= byte;
        for (let bit = 0; bit < 8; ++bit) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
    }
    return ~sum >>> 0;
}

/** A woven pattern as a PNG. */
function picture(width, height) {
    const rows = Buffer.alloc(height * (1 + width * 3));
    for (let y = 0; y < height; ++y) {
        for (let x = 0; x < width; ++x) {
            const over = ((x >> 4) + (y >> 4)) % 2 === 0;
            rows.set(over ? [0x20, 0x60, 0xa0] : [0xf0, 0xc0, 0x40], y * (1 + width * 3) + 1 + x * 3);
        }
    }
    const chunk = (type, data) => {
        const body = Buffer.concat([Buffer.from(type), data]);
        const out = Buffer.alloc(body.length + 8);
        out.writeUInt32BE(data.length, 0);
        body.copy(out, 4);
        out.writeUInt32BE(crc32(body), body.length + 4);
        return out;
    };
    const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
    header.writeUInt32BE(width, 0);
    header.writeUInt32BE(height, 4);
    const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
    return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

/** The element with this text, once it is there. */
async function withText(selector, text) {
    const find = (css, wanted) => [...document.querySelectorAll(css)].find((one) => one.textContent.trim() === wanted);
    return (await page.waitForFunction(find, { timeout: DEADLINE_MS }, selector, text)).asElement();
}

function untilShows(text) {
    const shows = (wanted) => document.querySelector(".Timeline")?.textContent.includes(wanted);
    return page.waitForFunction(shows, { timeout: DEADLINE_MS }, text);
}

/** A picture in the timeline that the browser has loaded and could draw, with an address that begins so. */
function untilDraws(prefix) {
    const draws = (start) =>
        [...document.querySelectorAll(".Timeline .media img")].some((one) => one.naturalWidth > 1 && one.src.startsWith(start));
    return page.waitForFunction(draws, { timeout: DEADLINE_MS }, prefix);
}

function screenshot(name) {
    mkdirSync(artifacts, { recursive: true });
    return page.screenshot({ path: join(artifacts, `${name}.png`) });
}

/** What the page was answered; preflights and what the page did not wait for have no body to look at. */
async function recordAnswer(response) {
    const type = response.headers()["content-type"];
    if (!type?.startsWith("application/json") || response.request().method() === "OPTIONS") return;
    const body = await response.text().catch(() => undefined);
    if (body !== undefined) record(response.request().method(), response.url(), response.status(), type, body);
}

async function beginning() {
    await steps.run("the web client is built and opened in Chromium", async () => {
        weaver = await Person.register(baseUrl, "Weaver", `weaver-${run}`, password);
        guest = await Person.register(baseUrl, "Guest", `guest-${run}`, password);
        await guest.start();
        site = await serveHydrogen(baseUrl);
        const args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
        browser = await launch({ executablePath: CHROMIUM, headless: true, args });
        page = await browser.newPage();
        page.on("response", recordAnswer);
        await page.setViewport({ width: 1200, height: 800 });
        await page.goto(site.url);
        await page.waitForSelector("input#username", { timeout: DEADLINE_MS });
    });
    await steps.run("logs in with name and password", async () => {
        await page.type("input#username", `weaver-${run}`);
        await page.type("input#password", password);
        await page.click(".PasswordLoginView button[type=submit]");
        await page.waitForSelector(".LeftPanel .utilities button.create", { timeout: DEADLINE_MS });
    });
}

async function inARoom() {
    await steps.run("creates a public room, and finds it in the list", async () => {
        await page.click(".LeftPanel .utilities button.create");
        await (await withText(".menu button", "Create Room")).click();
        await page.waitForSelector("input#name", { timeout: DEADLINE_MS });
        await page.type("input#name", "The loom");
        await page.click("#isPublic");
        await page.waitForSelector("#roomAlias", { visible: true, timeout: DEADLINE_MS });
        await page.type("#roomAlias", `loom-${run}`);
        await (await withText("button[type=submit]", "Create room")).click();
        await page.waitForSelector(".RoomList a[href*=open-room]", { timeout: DEADLINE_MS });
        roomId = await eventually(async () => {
            const { joined_rooms: rooms } = await weaver.client.getJoinedRooms();
            assert.equal(rooms.length, 1);
            return rooms[0];
        });
        await page.waitForSelector(`.RoomList a[href*="${encodeURIComponent(roomId)}"]`, { timeout: DEADLINE_MS });
        await page.click(".RoomList a[href*=open-room]");
        await page.waitForSelector(".MessageComposer textarea", { timeout: DEADLINE_MS });
    });
    await steps.run("sends a message and sees it; a guest sees it too", async () => {
        await guest.client.joinRoom(roomId);
        await guest.untilMembership(roomId, "join");
        await page.type(".MessageComposer textarea", "over and under");
        await page.keyboard.press("Enter");
        await untilShows("over and under");
        await guest.until("reads the message", () => guest.received.some((one) => one.body === "over and under"));
    });
    await steps.run("sees what the guest answers", async () => {
        await guest.say(roomId, "under and over");
        await untilShows("under and over");
    });
}

async function aPicture() {
    const original = picture(1000, 600);
    await steps.run("uploads a picture and sees it", async () => {
        mkdirSync(artifacts, { recursive: true });
        const file = join(artifacts, "pattern.png");
        writeFileSync(file, original);
        await page.click(".MessageComposer button.sendFile");
        const choosing = page.waitForFileChooser({ timeout: DEADLINE_MS });
        await (await withText(".menu button", "Send picture")).click();
        await (await choosing).accept([file]);
        await untilDraws("");
    });
    await steps.run("the guest gets the picture as it was sent, and a thumbnail of it", async () => {
        const event = await guest.until("sees the picture", () =>
            guest.room(roomId).getLiveTimeline().getEvents().find((one) => one.getContent().msgtype === "m.image"));
        const uri = event.getContent().url.slice("mxc://".length);
        const get = (what) => fetch(`${baseUrl}/_matrix/client/v1/media/${what}`, {
            headers: { Authorization: `Bearer ${guest.accessToken}` },
        });
        const download = await get(`download/${uri}`);
        assert.equal(download.status, 200);
        assert.equal(download.headers.get("content-type"), "image/png");
        assert.deepEqual(Buffer.from(await download.arrayBuffer()), original);
        const thumbnail = await get(`thumbnail/${uri}?width=300&height=200&method=scale`);
        assert.equal(thumbnail.status, 200);
        assert.equal(thumbnail.headers.get("content-type"), "image/jpeg");
        assert.ok((await thumbnail.arrayBuffer()).byteLength > 100);
    });
    await steps.run("after a reload the picture comes from the homeserver", async () => {
        await page.reload();
        await page.waitForSelector(".Timeline", { timeout: DEADLINE_MS });
        await untilShows("under and over");
        await untilDraws(baseUrl);
        await screenshot("browser");
    });
}

setTimeout(() => {
    console.log(`FAIL  the run took longer than ${RUN_DEADLINE_MS / 1000} s`);
    process.exit(1);
}, RUN_DEADLINE_MS);

let failed = false;
try {
    for (const part of [beginning, inARoom, aPicture]) await part();
    steps.summary();
} catch (error) {
    if (!(error instanceof StepFailed)) console.log(error);
    if (page) await screenshot("browser-failed");
    failed = true;
}
await browser?.close();
process.exit(failed ? 1 : 0);
