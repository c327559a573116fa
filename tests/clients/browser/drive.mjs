// Does one check in the Chromium of this machine and prints what was seen as one line of JSON:
//   node drive.mjs '{"check": "layout", "url": "http://127.0.0.1:7000", …}'
// It only drives and observes; tests/clients/test_front_page.py judges.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { chromium } from "playwright-core";

const job = JSON.parse(process.argv[2]);
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const PATIENCE = 20_000;

const card = (page, name) =>
  page.getByRole("listitem").filter({ has: page.getByRole("heading", { name, level: 3 }) });

/** How the video stands: where it is, and how many frames were decoded until now. */
const film = (page) => page.evaluate(() => {
  const video = document.querySelector("video");
  return {
    time: video.currentTime,
    frames: video.getVideoPlaybackQuality().totalVideoFrames,
    duration: video.duration,
    error: video.error?.message ?? null,
    state: document.getElementById("player-state").textContent,
  };
});

/** Waits until the film went on by `seconds` from where it is now; before and after. */
async function goesOn(page, seconds) {
  const before = await film(page);
  await page.waitForFunction(
    (until) => document.querySelector("video").currentTime >= until,
    before.time + seconds, { timeout: job.patience ?? PATIENCE });
  return { before, after: await film(page) };
}

/** Presses Tab until the focused element is the wanted one; how many times, or an error. */
async function tabTo(page, locator) {
  const wanted = await locator.elementHandle();
  for (let presses = 1; presses <= 60; presses += 1) {
    await page.keyboard.press("Tab");
    if (await wanted.evaluate((element) => element === document.activeElement)) return presses;
  }
  throw new Error(`60 times Tab do not reach ${locator}`);
}

const focused = (page) => page.evaluate(() => {
  const element = document.activeElement;
  return element.getAttribute("aria-label") ?? (element.id || element.tagName);
});

const widths = (page) => page.evaluate(() => ({
  content: document.documentElement.scrollWidth,
  window: document.documentElement.clientWidth,
}));

/** Opens all ways to install at once, as no visitor can. */
const openInstall = (page) => page.locator("#install details").evaluateAll((all) => {
  for (const one of all) {
    one.removeAttribute("name");
    one.open = true;
  }
});

/** The modules of a QR code as a camera sees them: rows of 0 and 1 without the quiet zone. */
async function modules(page, code) {
  const count = Number((await code.getAttribute("viewBox")).split(" ")[2]);
  const picture = (await code.screenshot()).toString("base64");
  const desk = await page.context().browser().newPage();
  const rows = await desk.evaluate(async ([data, across]) => {
    const image = new Image();
    image.src = `data:image/png;base64,${data}`;
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"),
      { width: image.width, height: image.height });
    const paper = canvas.getContext("2d");
    paper.drawImage(image, 0, 0);
    const at = (n, length) => Math.floor((n + 0.5) * length / across);
    const dark = (x, y) => paper.getImageData(x, y, 1, 1).data[0] < 128;
    return Array.from({ length: across }, (_, y) => Array.from({ length: across }, (__, x) =>
      (dark(at(x, image.width), at(y, image.height)) ? "1" : "0")).join(""));
  }, [picture, count]);
  await desk.close();
  const border = 4;
  return rows.slice(border, -border).map((row) => row.slice(border, -border));
}

/** What the page offers to who comes in at `way.url`, and what its addresses answer to the page. */
async function comesIn(browser, way) {
  const context = await browser.newContext({
    ignoreHTTPSErrors: true, colorScheme: "dark", javaScriptEnabled: way.script ?? true,
  });
  const page = await context.newPage();
  listen(page);
  await page.goto(way.url);
  if (way.key) {
    await page.getByLabel("Access key").fill(way.key);
    await page.keyboard.press("Enter");
  }
  const install = page.getByRole("complementary");
  const manifest = await page.getByLabel("Address of the add-on").inputValue();
  await page.getByText("Kodi", { exact: true }).click();
  const kodi = await page.getByLabel("Source for Kodi", { exact: true }).inputValue();
  const others = await page.getByLabel("Address of the add-on").isHidden();
  await openInstall(page);
  const addresses = [manifest, kodi,
    await page.getByLabel("Playlist for VLC and mpv", { exact: true }).inputValue(),
    await page.getByRole("link", { name: "strm.zip" }).getAttribute("href"),
    await page.getByLabel("Read-only WebDAV folder", { exact: true }).inputValue(),
    await page.getByRole("link", { name: "Connect a Kodi" }).evaluate((link) => link.href)];
  const code = install.locator("svg");
  const seen = {
    manifest, kodi, others,
    text: await install.innerText(),
    links: await install.getByRole("link").evaluateAll((all) => all.map((link) => link.href)),
    buttons: await install.getByRole("button").count(),
    code: await code.count() ? await modules(page, code) : null,
    answers: await page.evaluate((all) => Promise.all(all.map(async (address) =>
      [address, (await fetch(address)).status])), addresses),
    body: await page.evaluate(async (address) => (await fetch(address)).json(), manifest),
  };
  await context.close();
  return seen;
}

async function addMagnet(page) {
  await page.getByLabel("Magnet link").fill(job.magnet);
  await page.getByRole("button", { name: "Add", exact: true }).click();
}

async function play(page, name) {
  await page.getByRole("button", { name: `Play ${name}` }).click();
}

const checks = {
  /** Nothing wider than the window, whatever is open. */
  async layout(page) {
    await page.locator(".card").first().waitFor();
    await openInstall(page);
    for (const summary of await page.locator("main summary").all()) {
      const open = await summary.evaluate((element) => element.parentElement.open);
      if (!open && await summary.isVisible()) await summary.click();
    }
    const home = await widths(page);
    await page.locator(".card .play:visible").first().click();
    await page.locator("#steps li").first().waitFor();
    const dialog = await page.locator("#player").evaluate((element) => ({
      content: element.scrollWidth, window: element.clientWidth,
    }));
    return { home, dialog };
  },

  /** What strangers named is shown as text. */
  async hostile(page) {
    await page.locator(".card").first().waitFor();
    await page.locator(".card .play:visible").first().click();
    await page.locator("#player-problem:not([hidden])").waitFor();
    await page.locator("#steps li").first().waitFor();
    return {
      heading: await page.locator(".card h3 bdi").first().textContent(),
      made: await page.locator("main img, main script, main b, dialog img, dialog script").count(),
      ran: await page.evaluate(() => window.ran ?? null),
      dialog: await page.getByRole("dialog").textContent(),
    };
  },

  /** axe-core's findings on the page, in the open player, and in the question before removing. */
  async accessible(page) {
    await page.locator(".card").first().waitFor();
    await openInstall(page);
    await page.evaluate(readFileSync(AXE, "utf8"));
    const look = async () => (await page.evaluate(() => window.axe.run())).violations
      .map((one) => `${one.id}: ${one.nodes.map((node) => node.target).join(", ")}`);
    const found = { home: await look() };
    await page.locator(".card .play:visible").first().click();
    await page.locator("#player-problem:not([hidden])").waitFor();
    found.player = await look();
    await page.keyboard.press("Escape");
    await page.locator(".card .remove").first().click();
    found.confirm = await look();
    return found;
  },

  /** The magnet and what is known of it, then a .torrent, as the form sends them. */
  async fields(page) {
    await page.getByText("Say which film or episode it is").click();
    await page.getByLabel("IMDb id").fill("https://www.imdb.com/title/tt1254207/");
    await page.getByLabel("Season").fill("2");
    await page.getByLabel("Episode").fill("5");
    await addMagnet(page);
    await page.getByText("is in the library.").waitFor();
    await page.getByLabel("or a .torrent file").setInputFiles({
      name: "film.torrent", mimeType: "application/x-bittorrent", buffer: Buffer.from("d4:infoe"),
    });
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByText("is in the library.").waitFor();
    const posted = page.waitForResponse((response) => response.request().method() === "POST");
    await page.evaluate(() => {
      const data = new DataTransfer();
      data.items.add(new File(["d4:infoe"], "dropped.torrent"));
      document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
    });
    await posted;
    return { left: await page.getByLabel("Magnet link").inputValue() };
  },

  /** A button's worth of nothing, then what the server refuses. */
  async refused(page) {
    await page.getByRole("button", { name: "Add", exact: true }).click();
    const empty = await page.getByRole("alert").filter({ visible: true }).innerText();
    const where = await focused(page);
    await page.getByLabel("Magnet link").fill(job.magnet);
    await page.keyboard.press("Enter");
    const answer = page.getByRole("alert").filter({ visible: true, hasNotText: empty.split("\n")[0] });
    await answer.waitFor();
    return {
      empty, where,
      problem: await answer.innerText(),
      kept: await page.getByLabel("Magnet link").inputValue(),
    };
  },

  /** Removing by keyboard: once refused by Escape, once done. */
  async remove(page) {
    const button = page.getByRole("button", { name: `Remove ${job.name}` });
    await button.waitFor();
    await tabTo(page, button);
    await page.keyboard.press("Enter");
    const first = await focused(page);
    await page.keyboard.press("Escape");
    const back = await focused(page);
    const kept = await button.count();
    await page.keyboard.press("Enter");
    await tabTo(page, page.getByRole("button", { name: "Remove", exact: true }));
    await page.keyboard.press("Enter");
    await button.waitFor({ state: "detached" });
    await page.waitForFunction(() => document.activeElement.id === "library-title");
    return { first, back, kept, cards: await page.locator(".card").count(),
      said: await page.getByRole("status").allInnerTexts() };
  },

  /** The question closed and asked again in one breath, then answered. */
  async hasty(page) {
    const button = page.getByRole("button", { name: `Remove ${job.name}` });
    await button.click();
    await button.evaluate((element) => {
      document.getElementById("confirm").close();
      element.click();
    });
    await page.getByRole("button", { name: "Remove", exact: true }).click();
    await button.waitFor({ state: "detached" });
    return { cards: await page.locator(".card").count() };
  },

  /** How often a page that nobody sees asks, and that it asks again at once when shown. */
  async hidden(page) {
    await page.locator(".card").first().waitFor();
    let asked = 0;
    page.on("request", (request) => { asked += request.url().endsWith("/api/torrents"); });
    const show = (state) => page.evaluate((value) => {
      Object.defineProperty(document, "visibilityState", { value, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, state);
    await page.waitForTimeout(3500);
    const seen = asked;
    await show("hidden");
    asked = 0;
    await page.waitForTimeout(3500);
    const unseen = asked;
    await show("visible");
    await page.waitForTimeout(300);
    return { seen, unseen, back: asked - unseen };
  },

  /** The ways of coming in, one after the other. */
  async ways(page) {
    const seen = [];
    for (const way of job.ways) seen.push(await comesIn(page.context().browser(), way));
    return seen;
  },

  /** Whether the address to install can be had with one press. */
  async install(page) {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "Copy address" }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    const text = await page.getByRole("complementary").innerText();
    // The next one by keyboard: its summary opens it, and the first one closes.
    await tabTo(page, page.locator("summary", { hasText: "Kodi" }));
    await page.keyboard.press("Enter");
    await tabTo(page, page.getByRole("button", { name: "Copy: Source for Kodi" }));
    await page.keyboard.press("Enter");
    await page.locator("[data-copy=kodi]", { hasText: "Copied" }).waitFor();
    const kodi = await page.evaluate(() => navigator.clipboard.readText());
    return { copied, text, kodi };
  },

  /** A closed server: the form, a wrong key, the right one, and out again. */
  async login(page) {
    await page.getByLabel("Access key").fill("a wrong key altogether");
    await page.getByRole("button", { name: "Log in" }).click();
    const wrong = await page.getByRole("alert").innerText();
    await page.getByLabel("Access key").fill(job.key);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Library" }).waitFor();
    await page.locator("#empty:visible, .card").first().waitFor();
    const manifest = await page.getByLabel("Address of the add-on").inputValue();
    const answer = await page.request.get(manifest);
    const offline = await page.locator("#offline").isVisible();
    const cookie = (await page.context().cookies())[0];
    const script = await page.evaluate(() => document.cookie);
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByLabel("Access key").waitFor();
    return { wrong, manifest, status: answer.status(), cookie, script, offline };
  },

  /** Add a magnet, see it grow, play it, seek to where nothing is yet, close. */
  async film(page) {
    await addMagnet(page);
    await card(page, job.name).waitFor({ timeout: PATIENCE });
    await play(page, job.name);
    await page.waitForFunction(() => document.querySelector("video").currentTime > 0, null,
      { timeout: PATIENCE });
    const start = await goesOn(page, 1.5);
    const growth = [];
    for (let look = 0; look < (job.looks ?? 4); look += 1) {
      growth.push(await page.locator("#player-figures").textContent());
      await page.waitForTimeout(1600);
    }
    await page.evaluate((part) => {
      const video = document.querySelector("video");
      video.currentTime = video.duration * part;
    }, job.seek);
    await page.waitForFunction(() => !document.querySelector("video").seeking, null,
      { timeout: PATIENCE });
    const later = await goesOn(page, 1.5);
    const steps = await page.locator("#steps li").allInnerTexts();
    await page.getByRole("button", { name: "Close" }).click();
    // A dialog tells of its end in a task of its own.
    await page.waitForFunction(() => !document.querySelector("video").hasAttribute("src"), null,
      { timeout: PATIENCE });
    // Of a film that the player fetched elsewhere nothing is here.
    if (!job.elsewhere) await card(page, job.name).getByText("%").waitFor();
    return { start, later, growth, steps, focus: await focused(page),
      source: await page.locator("video").getAttribute("src") };
  },

  /** The subtitles that the player offers, and what one of them shows. */
  async subtitles(page) {
    await card(page, job.name).waitFor({ timeout: PATIENCE });
    await play(page, job.name);
    await page.waitForFunction(() => document.querySelector("video").textTracks.length > 0, null,
      { timeout: PATIENCE });
    const offered = await page.evaluate(() => {
      const tracks = [...document.querySelector("video").textTracks];
      const told = tracks.map(({ label, language, mode }) => ({ label, language, mode }));
      tracks[0].mode = "showing";
      return told;
    });
    await page.waitForFunction(
      () => document.querySelector("video").textTracks[0].activeCues?.length, null,
      { timeout: PATIENCE });
    const shown = await page.evaluate(() =>
      [...document.querySelector("video").textTracks[0].activeCues].map((cue) => cue.text));
    await page.getByRole("button", { name: "Close" }).click();
    return { offered, shown, left: await page.locator("video track").count() };
  },

  /** Plays until a time of the film; how long its picture stood still on the way, at most. */
  async hole(page) {
    await card(page, job.name).waitFor({ timeout: PATIENCE });
    await play(page, job.name);
    const stood = await page.evaluate(async (until) => {
      const video = document.querySelector("video");
      let [longest, last, since] = [0, 0, performance.now()];
      while (video.currentTime < until && !video.error) {
        await new Promise((done) => setTimeout(done, 100));
        if (video.currentTime === last) continue;
        // Before the first picture it has not stood still.
        if (last > 0) longest = Math.max(longest, performance.now() - since);
        [last, since] = [video.currentTime, performance.now()];
      }
      return longest / 1000;
    }, job.until);
    return { stood, ...await film(page) };
  },

  /** A film that does not come: what the player says in the end. */
  async dead(page) {
    await addMagnet(page);
    await card(page, job.name).waitFor();
    const began = Date.now();
    await play(page, job.name);
    const problem = page.locator("#player-problem:not([hidden])");
    await problem.waitFor({ timeout: job.patience });
    const seconds = (Date.now() - began) / 1000;
    await page.waitForTimeout(2000);
    return { seconds, problem: await problem.innerText(),
      steps: await page.locator("#steps li").allInnerTexts() };
  },

  /** The same with nothing but the keyboard. */
  async keyboard(page) {
    await tabTo(page, page.getByLabel("Magnet link"));
    await page.keyboard.insertText(job.magnet);
    await page.keyboard.press("Enter");
    const button = page.getByRole("button", { name: `Play ${job.name}` });
    await button.waitFor({ timeout: PATIENCE });
    const said = await page.getByRole("status").allInnerTexts();
    await tabTo(page, button);
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    const inside = await focused(page);
    await page.waitForFunction(() => document.querySelector("video").currentTime > 0.5, null,
      { timeout: PATIENCE });
    await page.keyboard.press("Space");
    await page.waitForFunction(() => document.querySelector("video").paused);
    await page.keyboard.press("Space");
    const playing = await goesOn(page, 0.5);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    return { said, inside, playing, back: await focused(page) };
  },
};

const browser = await chromium.launch({
  executablePath: job.chromium,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    // Names of this test's own are on this machine, all others nowhere.
    `--host-resolver-rules=${(job.names ?? []).map((name) => `MAP ${name} 127.0.0.1, `).join("")}`
      + "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
  ],
});
const complaints = []; // what a console of ours must not say

function listen(page) {
  page.setDefaultTimeout(PATIENCE);
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    // Chromium itself notes every status of 400 and more as an error; those are judged elsewhere.
    const status = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !status) complaints.push(message.text());
  });
}

try {
  const context = await browser.newContext({
    viewport: { width: job.width ?? 1200, height: job.height ?? 900 },
    colorScheme: job.scheme ?? "light",
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  listen(page);
  await page.goto(job.url);
  const seen = await checks[job.check](page);
  if (job.picture) await page.screenshot({ path: job.picture, fullPage: true });
  console.log(JSON.stringify({ seen, complaints }));
} catch (error) {
  console.error(error);
  console.error("the console said:", complaints);
  process.exitCode = 1;
} finally {
  await browser.close();
}
