// The dialog that plays a film and tells what happens meanwhile.
import { Refusal, call, copy, refusal, showProblem, state } from "./words.js";

const EVERY = 1500; // ms between two looks at what happened

/** Why a resolution failed; null if it did not. Asking again would cost as long a search again. */
function told(resolution) {
  if (resolution?.outcome !== "failed") return null;
  const step = resolution.steps.findLast((one) => one.what === "failed");
  const problem = resolution.problem ?? { detail: step?.detail };
  return problem.detail
    ? new Refusal(problem.detail, problem.hint ?? "Try again later, or add another torrent of it.")
    : null;
}

const $ = (id) => document.getElementById(id);

export class Player {
  #dialog = $("player");
  #video = $("video");
  #playing = null; // {title, url, infoHash}, and the AbortController of its questions
  #shown = "";

  constructor(announce) {
    $("player-close").addEventListener("click", () => this.#dialog.close());
    $("player-copy").addEventListener("click", (event) => {
      copy(this.#playing.url, event.target, announce);
    });
    // The event comes late: the dialog may be open again for another film.
    this.#dialog.addEventListener("close", () => this.#dialog.open || this.#stop());
    const on = (type, act) => this.#video.addEventListener(type, () => this.#playing && act());
    on("waiting", () => this.#say("Waiting for the next piece…"));
    on("seeking", () => this.#say("Going there…"));
    on("playing", () => this.#say(""));
    on("seeked", () => this.#video.paused && this.#say(""));
    on("canplay", () => this.#video.paused && this.#say("Ready. Press play."));
    on("error", () => this.#explain());
  }

  /** Opens the dialog and plays; the browser gives the focus back when the dialog closes. */
  open(film) {
    this.#playing?.questions.abort();
    this.#video.replaceChildren();
    this.#playing = { ...film, questions: new AbortController() };
    $("player-title").firstElementChild.textContent = film.title;
    this.#video.setAttribute("aria-label", film.title);
    showProblem($("player-problem"), null);
    $("steps").replaceChildren();
    this.#shown = "";
    this.#say("Looking for the first piece…");
    this.#dialog.showModal();
    this.#video.src = film.url;
    this.#video.focus();
    this.#video.play().catch(() => {}); // an error event follows, or the browser wants a click
    this.#watch(this.#playing);
  }

  /** Shows the figures of the torrent that is being played. */
  update(torrents) {
    const torrent = torrents.find((one) => one.infoHash === this.#playing?.infoHash);
    if (!torrent) return;
    $("player-figures").textContent = state(torrent);
    this.#offerSubtitles(torrent);
  }

  /** Lists the subtitles of the file that plays; the browser fetches those that are chosen. */
  #offerSubtitles(torrent) {
    const { url, resolution } = this.#playing;
    const file = torrent.files.find((one) => one.playUrl === url)
      ?? torrent.files.find((one) => one.index === resolution?.fileIndex);
    if (!file?.subtitles || this.#video.querySelector("track")) return;
    this.#video.append(...file.subtitles.map(({ lang, label, url: address }) => {
      const track = document.createElement("track");
      // Of this page's own origin, whatever name the server publishes: a video without CORS takes
      // no other, and with CORS it could not be sent to a web seed.
      const { pathname } = new URL(address, location.href);
      return Object.assign(track, { kind: "subtitles", srclang: lang, label, src: pathname });
    }));
  }

  #say(words) {
    $("player-state").textContent = words;
  }

  #stop() {
    this.#playing?.questions.abort();
    this.#playing = null;
    this.#video.replaceChildren();
    $("player-figures").textContent = "";
    // Without this the browser would go on downloading a film that nobody sees.
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  /** A video element does not tell why it failed: the journal does, else the server is asked. */
  async #explain() {
    const film = this.#playing;
    this.#say("");
    await this.#look(film);
    const problem = told(film.resolution) ?? await this.#ask(film);
    if (film === this.#playing) showProblem($("player-problem"), problem);
  }

  /** Asks for one byte of what the video element could not play. */
  async #ask(film) {
    try {
      const response = await fetch(film.url, {
        headers: { Range: "bytes=0-0" },
        signal: film.questions.signal,
      });
      if (!response.ok) return await refusal(response);
      await response.body?.cancel().catch(() => {});
    } catch {
      return new Refusal("The server does not answer.", "See whether it is still running.");
    }
    return new Refusal(
      "This browser cannot play this kind of file.",
      "Copy its link and open it in VLC, mpv or Kodi; Stremio may play it, too.",
    );
  }

  async #watch(film) {
    while (film === this.#playing) {
      if (document.visibilityState === "visible") await this.#look(film);
      await new Promise((done) => setTimeout(done, EVERY));
    }
  }

  async #look(film) {
    try {
      const answer = await call(`api/resolutions?infoHash=${film.infoHash}`, {
        signal: film.questions.signal,
      });
      const [newest] = answer.resolutions
        .filter((one) => one.infoHash === film.infoHash)
        .sort((one, other) => other.startedAt - one.startedAt);
      film.resolution = newest;
      if (film === this.#playing && newest) this.#show(newest);
    } catch {
      // The list is an extra: what matters is told by the video and its problem.
    }
  }

  #show(resolution) {
    const key = `${resolution.id} ${resolution.steps.length}`;
    if (key === this.#shown) return;
    this.#shown = key;
    $("steps").replaceChildren(...resolution.steps.map((step) => {
      const item = document.createElement("li");
      const time = document.createElement("time");
      time.textContent = `${step.t.toFixed(2)} s`;
      const words = document.createElement("span");
      words.textContent = [step.source && `${step.source}:`, step.what, step.detail && `(${step.detail})`]
        .filter(Boolean).join(" ");
      item.append(time, words);
      return item;
    }));
  }
}
