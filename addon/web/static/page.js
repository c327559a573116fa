// The front page: add, the library with its progress, install.
// Names come from strangers' torrents: they are only ever set as textContent.
import { Player } from "./player.js";
import { Refusal, call, copy, count, heading, percent, showProblem, size, state } from "./words.js";

const EVERY = 1500; // ms between two looks at the torrents while the page is visible
const EVERY_AFTER_FAILURE = 5000;
const OPEN_UP_TO = 13; // episodes that are listed without being asked for
const VIDEO = /\.(mp4|m4v|mkv|webm|mov|avi|ogv|mpe?g|ts|m2ts|wmv|flv|3gp)$/i;

const $ = (id) => document.getElementById(id);
const made = (id) => $(id).content.firstElementChild.cloneNode(true);
const baseName = (path) => path.split("/").at(-1);

const cards = new Map(); // title id or info hash -> element
const rows = new Map(); // info hash -> {element, torrent}
const arrivals = new Set(); // info hashes that were added here and are not in the list yet
const player = new Player(announce);

function announce(words) {
  $("announcer").textContent = words;
}

// ---- the library

function show(torrents) {
  $("empty").hidden = torrents.length > 0;
  $("empty").textContent = "Nothing here yet. Add a magnet link or a .torrent file above.";
  for (const [hash, row] of rows) {
    if (torrents.some((torrent) => torrent.infoHash === hash)) continue;
    row.element.remove();
    rows.delete(hash);
  }
  const wanted = new Map();
  for (const torrent of torrents) {
    const key = torrent.title?.id ?? torrent.infoHash;
    wanted.set(key, [...(wanted.get(key) ?? []), torrent]);
  }
  for (const [key, card] of cards) {
    if (wanted.has(key)) continue;
    card.remove();
    cards.delete(key);
  }
  let place = 0;
  for (const [key, group] of wanted) {
    const card = cardOf(key, group);
    // Moving an element takes its focus away, so only what stands elsewhere is moved.
    const there = $("cards").children[place];
    if (there !== card) $("cards").insertBefore(card, there ?? null);
    place += 1;
  }
}

function cardOf(key, group) {
  let card = cards.get(key);
  if (!card) {
    card = made("card-template");
    const sum = [...key].reduce((total, sign) => total + sign.codePointAt(0), 0);
    card.querySelector(".tile").classList.add(`tile-${sum % 6}`);
    cards.set(key, card);
  }
  const name = heading(group[0]);
  card.querySelector("h3 bdi").textContent = name;
  card.querySelector(".tile").textContent =
    [...name].find((sign) => /[\p{L}\p{N}]/u.test(sign))?.toUpperCase() ?? "?";
  card.querySelector("[data-is=sample]").hidden = !group.some((torrent) => torrent.sample);
  card.querySelector("[data-is=series]").hidden = group[0].title?.type !== "series";
  for (const torrent of group) {
    const row = rowOf(torrent);
    const torrentList = card.querySelector(".torrents");
    if (row.parentElement !== torrentList) torrentList.append(row);
    if (arrivals.delete(torrent.infoHash)) card.classList.add("new");
  }
  return card;
}

function rowOf(torrent) {
  let row = rows.get(torrent.infoHash);
  if (!row) {
    row = { element: made("torrent-template"), torrent: null };
    rows.set(torrent.infoHash, row);
    listen(row);
  }
  tellNews(row.torrent, torrent);
  const before = row.torrent;
  row.torrent = torrent;
  const name = heading(torrent);
  const part = (selector) => row.element.querySelector(selector);
  part(".release bdi").textContent = torrent.name && torrent.name !== name ? torrent.name : "";
  part(".state").textContent = state(torrent);
  part("progress").value = torrent.progress ?? 0;
  part("progress").hidden = !(torrent.progress > 0 && torrent.progress < 1);
  part("progress").setAttribute("aria-label", `Downloaded of ${name}`);
  part(".play").setAttribute("aria-label", `Play ${name}`);
  part(".copy").setAttribute("aria-label", `Copy link of ${name}`);
  part(".remove").setAttribute("aria-label", `Remove ${name}`);
  // Of a season nobody can say which file is meant by "play": its episodes are in the list.
  const season = torrent.title?.type === "series" && videosOf(torrent).length > 1;
  part(".play").hidden = part(".copy").hidden = !torrent.playUrl || season;
  const problem = torrent.problem;
  showProblem(part(".problem"), problem ? new Refusal(problem.detail, problem.hint) : null);
  if (before?.files.length !== torrent.files.length) listFiles(part(".files"), row);
  return row.element;
}

function listen(row) {
  const on = (selector, act) => row.element.querySelector(selector).addEventListener("click", act);
  on(".play", () => play(heading(row.torrent), row.torrent.playUrl, row.torrent));
  on(".copy", (event) => copy(row.torrent.playUrl, event.target, announce));
  on(".remove", () => askToRemove(row.torrent));
}

function play(title, url, torrent) {
  player.open({ title, url, infoHash: torrent.infoHash });
  refresh();
}

const videosOf = (torrent) => torrent.files.filter((file) => VIDEO.test(file.path));

function listFiles(details, row) {
  const videos = videosOf(row.torrent);
  const others = row.torrent.files.length - videos.length;
  details.hidden = videos.length < 2; // one video is what the button above plays
  const rest = others ? ` and ${count(others, "other file", "other files")}` : "";
  details.querySelector("summary").textContent = count(videos.length, "video", "videos") + rest;
  details.open = row.torrent.title?.type === "series" && videos.length <= OPEN_UP_TO;
  const sorted = videos.sort((one, other) =>
    one.path.localeCompare(other.path, undefined, { numeric: true }));
  details.querySelector("ul").replaceChildren(...sorted.map((file) => {
    const item = made("file-template");
    const name = baseName(file.path);
    item.querySelector("bdi").textContent = name;
    item.querySelector(".size").textContent = size(file.length);
    const button = item.querySelector("button");
    button.setAttribute("aria-label", `Play ${name}`);
    button.addEventListener("click", () => {
      // Looked up again: the links of a torrent may have changed since the list was made.
      const now = row.torrent.files.find((one) => one.index === file.index) ?? file;
      play(name, now.playUrl, row.torrent);
    });
    return item;
  }));
}

/** Tells a screen reader what changed, and only what is worth an interruption. */
function tellNews(before, now) {
  if (!before) return;
  const name = heading(now);
  if (before.status !== now.status) {
    if (now.status === "failed") announce(`${name}: ${now.problem?.detail ?? "it failed."}`);
    else if (now.files.length) announce(`${name}: ${count(now.files.length, "file", "files")} found.`);
  }
  const quarter = Math.floor(percent(now) / 25);
  if (quarter > Math.floor(percent(before) / 25)) {
    announce(quarter === 4 ? `${name} is complete.` : `${name}: ${quarter * 25} percent.`);
  }
}

let leaving = null; // the torrent that the open question is about

function askToRemove(torrent) {
  leaving = torrent;
  $("confirm").querySelector("bdi").textContent = heading(torrent);
  $("confirm").returnValue = ""; // Escape would leave the answer of the last time
  $("confirm").showModal();
}

// One listener for good: the event comes late, maybe when the question is already asked anew.
$("confirm").addEventListener("close", () => {
  if ($("confirm").returnValue === "remove") remove(leaving);
});

async function remove(torrent) {
  try {
    await call(`api/torrents/${torrent.infoHash}`, { method: "DELETE" });
  } catch (problem) {
    const row = rows.get(torrent.infoHash);
    if (row) showProblem(row.element.querySelector(".problem"), problem);
    return;
  }
  announce(`${heading(torrent)} was removed.`);
  await refresh();
  $("library-title").focus();
}

// ---- progress

let timer = 0;
let asked = 0;

/** Asks how the torrents are doing, and plans the next time. */
async function refresh() {
  clearTimeout(timer);
  if (document.visibilityState !== "visible") return;
  asked += 1;
  const mine = asked;
  let problem = null;
  try {
    const { torrents } = await call("api/torrents");
    if (mine !== asked) return; // a later question was asked: this answer may be older
    show(torrents);
    player.update(torrents);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (mine !== asked) return;
    const loggedOut = error.status === 404 && "closed" in document.body.dataset;
    problem = loggedOut
      ? new Refusal("You are no longer logged in.", "Load this page again to log in.")
      : error;
    $("empty").hidden = true;
  }
  showProblem($("offline"), problem);
  timer = setTimeout(refresh, problem ? EVERY_AFTER_FAILURE : EVERY);
}

document.addEventListener("visibilitychange", refresh);

// ---- adding

/** What the form says, as the API wants it. */
function question(file) {
  const known = {};
  const imdb = $("imdb").value.trim();
  if (imdb) known.imdbId = imdb.match(/tt\d+/)?.[0] ?? imdb; // the address of its page will do
  for (const field of ["season", "episode"]) {
    if ($(field).value !== "") known[field] = Number($(field).value);
  }
  if (file) {
    const body = new FormData();
    body.append("torrent", file);
    for (const [name, value] of Object.entries(known)) body.append(name, value);
    return { method: "POST", body };
  }
  return {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ magnetUri: $("magnet").value.trim(), ...known }),
  };
}

let adding = false;

async function add(file) {
  if (adding) return;
  const nothing = !file && !$("magnet").value.trim();
  $("magnet").toggleAttribute("aria-invalid", false);
  $("add-done").textContent = "";
  showProblem($("add-problem"), null);
  if (nothing) {
    $("magnet").setAttribute("aria-invalid", "true");
    $("magnet").focus();
    showProblem($("add-problem"), new Refusal(
      "There is nothing to add yet.", "Paste a magnet link, or choose a .torrent file."));
    return;
  }
  adding = true;
  $("add-button").textContent = "Adding…";
  try {
    const torrent = await call("api/torrents", question(file));
    $("add-form").reset();
    arrivals.add(torrent.infoHash);
    const more = torrent.files.length ? "" : " Its list of files is still to come.";
    $("add-done").textContent = `${heading(torrent)} is in the library.${more}`;
    refresh();
  } catch (problem) {
    if (!(problem instanceof Refusal)) throw problem;
    showProblem($("add-problem"), problem);
  } finally {
    adding = false;
    $("add-button").textContent = "Add";
  }
}

$("add-form").addEventListener("submit", (event) => {
  event.preventDefault();
  add($("torrent").files[0]);
});
// One thing is added at a time: the later of the two fields wins.
$("magnet").addEventListener("input", () => { $("torrent").value = ""; });
$("torrent").addEventListener("change", () => { $("magnet").value = ""; });

document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dropping");
});
document.addEventListener("drop", (event) => {
  const [file] = event.dataTransfer.files;
  document.body.classList.remove("dropping");
  if (!file && event.target.closest("input")) return; // text goes where it is dropped
  event.preventDefault(); // else the browser opens the file and leaves the page
  const text = event.dataTransfer.getData("text");
  if (file) add(file);
  else if (text) {
    $("magnet").value = text;
    add();
  }
});

// ---- installing

for (const button of document.querySelectorAll("[data-copy]")) {
  const field = $(button.dataset.copy);
  button.addEventListener("click", () => copy(field.value, button, announce));
  field.addEventListener("focus", () => field.select());
}

refresh();
