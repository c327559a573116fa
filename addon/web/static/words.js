// Asks the server, and puts what it answers into words.

const IDLE = "Not downloaded yet: it begins when you press play.";

/** What the server refused: one sentence of cause, one of what to do. */
export class Refusal extends Error {
  constructor(detail, hint = "", status = 0) {
    super(detail);
    this.hint = hint;
    this.status = status;
  }
}

/** The JSON of an answer, null for an empty one; throws a Refusal for anything but success. */
export async function call(path, options = {}) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal("The server does not answer.", "See whether it is still running.");
  }
  if (!response.ok) throw await refusal(response);
  return response.status === 204 ? null : response.json();
}

/** The Problem in an answer that is not a success. */
export async function refusal(response) {
  const body = await response.json().catch(() => null);
  return new Refusal(
    body?.detail ?? `The server answered with status ${response.status}.`,
    body?.hint ?? "Its log says why.",
    response.status,
  );
}

/** Shows a Refusal in a .problem element, or hides the element; says nothing twice. */
export function showProblem(element, problem) {
  const words = problem ? `${problem.message} ${problem.hint}` : "";
  if (element.dataset.words === words) return;
  element.dataset.words = words;
  element.hidden = !problem;
  element.replaceChildren();
  if (!problem) return;
  const cause = document.createElement("strong");
  cause.textContent = problem.message;
  const hint = document.createElement("p");
  hint.textContent = problem.hint;
  element.append(cause, hint);
}

export function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 9.95 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

export function count(number, one, many) {
  return `${number} ${number === 1 ? one : many}`;
}

/** Whole percent; 100 only when nothing is missing. */
export function percent(torrent) {
  return Math.floor((torrent.progress ?? 0) * 100);
}

export function heading(torrent) {
  return torrent.title?.name || torrent.name || `Torrent ${torrent.infoHash.slice(0, 8)}…`;
}

/** One line on how a torrent is doing. */
export function state(torrent) {
  const peers = torrent.peers ? count(torrent.peers, "peer", "peers") : "";
  if (torrent.status === "failed") return "";
  if (torrent.status === "fetching-metadata") {
    if (torrent.active === false) return IDLE;
    return ["Asking peers for the list of files…", peers].filter(Boolean).join(" · ");
  }
  if (torrent.progress >= 1) return `Complete · ${size(torrent.verifiedBytes)}`;
  const moving = torrent.downloadRate > 0 || torrent.readers > 0;
  if (!torrent.verifiedBytes && !moving) return IDLE;
  return [
    `${percent(torrent)} %`,
    size(torrent.verifiedBytes ?? 0),
    moving ? `${size(torrent.downloadRate)}/s` : "resting",
    moving ? from(torrent) || peers || "no peers" : "",
  ].filter(Boolean).join(" · ");
}

/** Who is delivering: peers, sources, or both. */
function from(torrent) {
  const sources = (torrent.sources ?? []).filter((name) => name !== "swarm");
  const peers = torrent.peers ? count(torrent.peers, "peer", "peers") : "";
  return sources.length ? `from ${[peers, ...sources].filter(Boolean).join(" and ")}` : "";
}

/** Puts text on the clipboard and says so on the button. */
export async function copy(text, button, announce) {
  const field = document.createElement("textarea");
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // The clipboard needs https or this computer; the old way works in a home network, too.
    // The field stands beside the button, because outside an open dialog nothing can be selected.
    field.value = text;
    field.className = "unseen";
    button.after(field);
    field.select();
    document.execCommand("copy");
    field.remove();
    button.focus();
  }
  const label = button.dataset.label ?? button.textContent;
  button.dataset.label = label;
  button.textContent = "Copied";
  announce("Copied.");
  setTimeout(() => { button.textContent = label; }, 2000);
}
