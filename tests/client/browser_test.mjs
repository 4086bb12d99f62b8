// Somebody uses a web client (Hydrogen) in a real browser: logs in, creates a room, writes.
//
//     WEFT_URL=http://127.0.0.1:8008 WEFT_ARTIFACTS=DIR node browser_test.mjs
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { launch } from "puppeteer-core";
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

/** The element with this text, once it is there. */
async function withText(selector, text) {
    const find = (css, wanted) => [...document.querySelectorAll(css)].find((one) => one.textContent.trim() === wanted);
    return (await page.waitForFunction(find, { timeout: DEADLINE_MS }, selector, text)).asElement();
}

function untilShows(text) {
    const shows = (wanted) => document.querySelector(".Timeline")?.textContent.includes(wanted);
    return page.waitForFunction(shows, { timeout: DEADLINE_MS }, text);
}

function screenshot(name) {
    mkdirSync(artifacts, { recursive: true });
    return page.screenshot({ path: join(artifacts, `${name}.png`) });
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

async function again() {
    await steps.run("after a reload everything is there", async () => {
        await page.reload();
        await page.waitForSelector(".Timeline", { timeout: DEADLINE_MS });
        await untilShows("over and under");
        await untilShows("under and over");
        await screenshot("browser");
    });
}

setTimeout(() => {
    console.log(`FAIL  the run took longer than ${RUN_DEADLINE_MS / 1000} s`);
    process.exit(1);
}, RUN_DEADLINE_MS);

let failed = false;
try {
    for (const part of [beginning, inARoom, again]) await part();
    steps.summary();
} catch (error) {
    if (!(error instanceof StepFailed)) console.log(error);
    if (page) await screenshot("browser-failed");
    failed = true;
}
await browser?.close();
process.exit(failed ? 1 : 0);
