// Stremio's own core (Rust, as WebAssembly) in plain Node: what it keeps of an add-on's answers.
//
//   node core.mjs <manifest URL> catalog <type> <id> <pages>    as Discover shows it
//   node core.mjs <manifest URL> search <text>                  in all catalogs that can do it
//   node core.mjs <manifest URL> details <type> <id> <video>    the page of a title
//   node core.mjs <manifest URL> subtitles <type> <id> <video>  as its first stream plays
//
// The add-on is installed first. On standard output comes JSON: {"addon": the manifest as it was
// kept, "requests": [what was asked of the add-on], "lists": [[items]], "meta": …}.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const PATIENCE = 10_000; // ms
const LOOK = 10; // ms

const [manifestUrl, what, ...args] = process.argv.slice(2);
const origin = new URL(manifestUrl).origin;
const requests = [];

/** The core's account, its default add-ons and its events live elsewhere: they are not there. */
function offline() {
  const send = globalThis.fetch;
  globalThis.fetch = async (request, options) => {
    const url = typeof request === "string" ? request : request.url;
    if (new URL(url).origin !== origin) {
      throw new TypeError("this test has no network");
    }
    requests.push(url);
    return send(request, options);
  };
}

/** What the core takes from the web worker that it runs in. */
function pretendToBeAWorker() {
  const place = new URL("https://web.stremio.com/");
  class WorkerGlobalScope {
    static [Symbol.hasInstance](value) {
      return value === globalThis;
    }
  }
  const stored = new Map();
  Object.assign(globalThis, {
    self: globalThis,
    WorkerGlobalScope,
    location: place,
    document: { baseURI: place.href },
    app_version: "test",
    shell_version: null,
    get_location_hash: async () => "",
    local_storage_get_item: async (key) => stored.get(key) ?? null,
    local_storage_set_item: async (key, value) => void stored.set(key, value),
    local_storage_remove_item: async (key) => void stored.delete(key),
  });
}

async function startCore() {
  const require = createRequire(import.meta.url);
  const core = require("@stremio/stremio-core-web/stremio_core_web.js");
  const wasm = require.resolve("@stremio/stremio-core-web/stremio_core_web_bg.wasm");
  await core.default({ module_or_path: await readFile(wasm) });
  await core.initialize_runtime(() => {});
  return core;
}

/** The part of the state that `choose` finds, once it finds one. */
async function until(core, field, choose) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const state = core.get_state(field);
    const found = choose(state);
    if (found) {
      return found;
    }
    if (Date.now() > end) {
      throw new Error(`${field} is not ready: ${JSON.stringify(state)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK));
  }
}

function load(core, field, model, given) {
  core.dispatch({ action: "Load", args: { model, args: given } }, field, "");
}

const settled = (loadable) => loadable && loadable.type !== "Loading";

async function install(core) {
  load(core, "addon_details", "AddonDetails", { transportUrl: manifestUrl });
  const remote = await until(
    core,
    "addon_details",
    (state) => settled(state.remoteAddon?.content) && state.remoteAddon.content,
  );
  if (remote.type !== "Ready") {
    throw new Error(`the manifest is refused: ${JSON.stringify(remote)}`);
  }
  core.dispatch(
    { action: "Ctx", args: { action: "InstallAddon", args: remote.content } },
    "ctx",
    "",
  );
  const addon = await until(core, "ctx", (state) =>
    state.profile.addons.find((one) => one.transportUrl === manifestUrl),
  );
  return addon.manifest;
}

const path = (resource, type, id) => ({ resource, type, id, extra: [] });

/** What a list holds; nothing is an error to the core. */
function items(loadable) {
  if (loadable.type === "Ready") {
    return loadable.content;
  }
  if ((loadable.content.type ?? loadable.content) === "EmptyContent") {
    return [];
  }
  throw new Error(`an answer is refused: ${JSON.stringify(loadable)}`);
}

const asked = {
  async catalog(core, type, id, pages) {
    const field = "discover";
    const page = (longerThan) =>
      until(core, field, ({ catalog }) => {
        const found = settled(catalog?.content) && items(catalog.content);
        return found && found.length > longerThan ? found : null;
      });
    load(core, field, "CatalogWithFilters", {
      request: { base: manifestUrl, path: path("catalog", type, id) },
    });
    let found = await page(-1);
    for (let number = 1; number < Number(pages); number += 1) {
      core.dispatch(
        { action: "CatalogWithFilters", args: { action: "LoadNextPage" } },
        field,
        "",
      );
      found = await page(found.length);
    }
    return { lists: [found] };
  },

  async search(core, text) {
    const field = "search";
    load(core, field, "CatalogsWithExtra", { type: null, extra: [["search", text]] });
    const range = { action: "LoadRange", args: { start: 0, end: 50 } };
    core.dispatch({ action: "CatalogsWithExtra", args: range }, field, "");
    const found = await until(core, field, ({ catalogs }) => {
      const ours = catalogs.filter((one) => one.addon.manifest.id === installed.id);
      return ours.length && ours.every((one) => settled(one.content)) ? ours : null;
    });
    return { lists: found.map((one) => items(one.content)) };
  },

  async details(core, type, id, video) {
    load(core, "meta_details", "MetaDetails", {
      metaPath: path("meta", type, id),
      streamPath: path("stream", type, video),
      guessStream: false,
    });
    return until(core, "meta_details", ({ metaItem, streams }) => {
      const ours = streams.filter((one) => one.addon.transportUrl === manifestUrl);
      const done = settled(metaItem?.content) && ours.length && settled(ours[0].content);
      return done
        ? { meta: metaItem.content, lists: ours.map((one) => items(one.content)) }
        : null;
    });
  },

  async subtitles(core, type, id, video) {
    const { lists } = await asked.details(core, type, id, video);
    const [stream] = lists[0];
    load(core, "player", "Player", {
      stream,
      streamRequest: { base: manifestUrl, path: path("stream", type, video) },
      metaRequest: { base: manifestUrl, path: path("meta", type, id) },
      subtitlesPath: path("subtitles", type, video),
    });
    const { filename, videoSize } = stream.behaviorHints;
    const params = { hash: null, size: videoSize, filename };
    const args = { action: "VideoParamsChanged", args: { videoParams: params } };
    core.dispatch({ action: "Player", args }, "player", "");
    return until(core, "player", ({ subtitles }) => (
      subtitles?.length ? { lists: [subtitles] } : null
    ));
  },
};

console.log = console.error; // the core talks; standard output is for the answer
offline();
pretendToBeAWorker();
const core = await startCore();
const installed = await install(core);
const found = await asked[what](core, ...args);
const answer = JSON.stringify({ addon: installed, requests, ...found });
process.stdout.write(answer, () => process.exit(0));
