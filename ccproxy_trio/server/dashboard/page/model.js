"use strict";
// What the server tells, and how numbers are said. Nothing here knows the page.

/** Apply a JSON Merge Patch (RFC 7396). What did not change stays the same object. */
function mergePatch(target, patch) {
  if (patch === null || typeof patch !== "object" || Array.isArray(patch)) return patch;
  const merged = target !== null && typeof target === "object" && !Array.isArray(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = mergePatch(merged[name], value);
  }
  return merged;
}

/** Takes the text of an event stream in any pieces; `take` is called with each event. */
class EventReader {
  constructor(take) {
    this.take = take;
    this.rest = "";
    this.event = { type: "message", data: [] };
  }

  feed(text) {
    // A CR at the end may be half of a line's end.
    const lines = (this.rest + text).split(/\r\n|\r(?!$)|\n/);
    this.rest = lines.pop();
    for (const line of lines) this.line(line);
  }

  line(line) {
    if (line === "") {
      const { data, ...event } = this.event;
      this.event = { type: "message", data: [] };
      if (data.length) this.take({ ...event, data: data.join("\n") });
      return;
    }
    const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line);
    if (name === "event") this.event.type = value;
    else if (name === "data") this.event.data.push(value);
    else if (name === "id") this.event.id = value;
    else if (name === "retry" && /^\d+$/.test(value)) this.event.retry = Number(value);
  }
}

const STATES = ["leased", "fresh", "idle", "starting", "checking", "resetting", "retiring"];

const REASONS = {
  idle: "It was not needed for idle_timeout.",
  lifetime: "It had reached the age of max_lifetime.",
  uses: "It had been used as often as it may be.",
  unhealthy: "Its check failed.",
  broken: "Something went wrong while it was used.",
  died: "Its process ended by itself.",
  reset_failed: "It could not be shown to have forgotten.",
  replaced: "Others took the place of all: another CLI, or other settings.",
  unfit: "It made room for a fresh one.",
  shrunk: "The pool was made smaller.",
  closing: "The server ended.",
};

function sayCount(number) {
  return number.toLocaleString("en");
}

function sayBytes(bytes) {
  if (bytes >= 999.5 * 2 ** 20) return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}

/** How long something has lasted. */
function sayAge(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 48 * 3600) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86400)} days`;
}

/** A time that was measured; -1 is none. */
function saySeconds(seconds) {
  if (seconds < 0) return "–";
  if (seconds < 0.0095) return `${(seconds * 1000).toFixed(1)} ms`;
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  return seconds < 9.95 ? `${seconds.toFixed(2)} s` : `${seconds.toFixed(0)} s`;
}
