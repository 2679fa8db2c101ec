"use strict";
// The events, for as long as the page is there: what breaks is begun again. A key, if the server wants one, is kept in
// this tab only, and told in a header.

const SILENCE = 12000; // The server says something every 5 s at least.
const LONGEST_PAUSE = 10000;
const KEY = "ccproxy-key";

class Feed {
  /** `tell` is called with what happens: live, state, lost, or wanted (a key). */
  constructor(tell) {
    this.tell = tell;
    this.state = null;
    this.retry = 1000;
    this.failures = 0;
    this.key = keptKey();
    this.abort = null;
    this.pause = null;
  }

  /** Begin, or begin anew at once. */
  start() {
    clearTimeout(this.pause);
    if (this.abort) this.abort.abort();
    this.abort = new AbortController();
    this.run(this.abort).catch((error) => this.lost(error.message));
  }

  useKey(key) {
    this.key = key;
    keepKey(key);
    this.failures = 0;
    this.start();
  }

  forgetKey() {
    this.key = "";
    this.state = null;
    keepKey("");
    this.start();
  }

  async run(abort) {
    const { signal } = abort;
    let why = "The server does not answer.";
    let ended = false;
    let silence = setTimeout(() => abort.abort(), SILENCE);
    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(() => abort.abort(), SILENCE);
    };
    try {
      const headers = this.key ? { "x-api-key": this.key } : {};
      const answer = await fetch("/pool/events", { headers, signal, cache: "no-store", credentials: "omit" });
      if (answer.status === 401) {
        this.tell({ kind: "wanted", refused: this.key !== "" });
        return;
      }
      if (!answer.ok) {
        const wait = Number(answer.headers.get("retry-after"));
        why = answer.status === 429 ? "As many pages look on as may." : `The server answers ${answer.status}.`;
        if (wait > 0) this.retry = Math.min(wait * 1000, LONGEST_PAUSE);
      } else {
        why = "The connection broke off.";
        const reader = new EventReader((event) => {
          ended ||= event.type === "end";
          this.take(event);
        });
        const decoder = new TextDecoder();
        const body = answer.body.getReader();
        for (;;) {
          const { done, value } = await body.read();
          if (done) break;
          heard();
          reader.feed(decoder.decode(value, { stream: true }));
        }
        if (ended) why = "The server has said goodbye.";
      }
    } catch (error) {
      if (this.abort !== abort) return; // Another one has taken its place.
    } finally {
      clearTimeout(silence);
    }
    this.lost(why);
  }

  take(event) {
    if (event.retry) this.retry = event.retry;
    const told = JSON.parse(event.data);
    if (event.type === "snapshot") this.state = told.state;
    else if (event.type === "change" && this.state) this.state = mergePatch(this.state, told.change);
    else return;
    this.failures = 0;
    this.tell({ kind: "state", state: this.state, now: told.now });
  }

  lost(why) {
    const pause = Math.min(this.retry * 1.6 ** this.failures, LONGEST_PAUSE);
    this.failures += 1;
    clearTimeout(this.pause);
    this.pause = setTimeout(() => this.start(), pause);
    this.tell({ kind: "lost", why, until: performance.now() + pause });
  }
}

function keptKey() {
  try {
    return sessionStorage.getItem(KEY) || "";
  } catch {
    return "";
  }
}

function keepKey(key) {
  try {
    if (key) sessionStorage.setItem(KEY, key);
    else sessionStorage.removeItem(KEY);
  } catch {
    // Then it lasts as long as this page.
  }
}
