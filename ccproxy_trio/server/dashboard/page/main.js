"use strict";
// What happens, and what is shown of it. Nothing is drawn more often than the screen is.

const cells = new Cells();
const charts = new Charts();
const settingsList = new SettingsList();
const SAY_AGAIN = 15000;

let state = null;
let offset = 0; // From this page's clock to the seconds since the server's start.
let live = false;
let lostUntil = 0;
let lostWhy = "";
let due = false;
let said = { what: "", live: false, at: -SAY_AGAIN };

const serverTime = () => performance.now() / 1000 + offset;

const feed = new Feed((told) => {
  if (told.kind === "state") {
    state = told.state;
    offset = told.now - performance.now() / 1000;
    live = true;
    at("gate").hidden = true;
    at("board").hidden = false;
    at("forget").hidden = feed.key === "";
  } else if (told.kind === "lost") {
    live = false;
    lostWhy = told.why;
    lostUntil = told.until;
  } else {
    askForKey(told.refused);
  }
  drawSoon();
});

function askForKey(refused) {
  live = false;
  state = null;
  lostUntil = 0;
  at("board").hidden = true;
  at("forget").hidden = true;
  const asked = !at("gate").hidden;
  at("gate").hidden = false;
  put(at("gate-why"), refused ? "The server does not take this key." : "");
  if (!asked || refused) at("key").focus();
}

function drawSoon() {
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    draw();
  });
}

function draw() {
  drawConnection();
  sayRarely();
  if (!state) return;
  const now = serverTime();
  if (live) {
    cells.draw(state, now);
    charts.draw(state, now);
    drawRetirements(state, now);
    settingsList.draw(state);
    const { version, cli, demo, pools } = state.server;
    put(at("about"), [version, demo ? "demo" : `claude ${cli}`, pools ? "" : "no pool", `up ${sayAge(now)}`].filter(Boolean).join(" · "));
    document.title = state.pool.waiting ? `(${state.pool.waiting} waiting) ccproxy_trio` : "ccproxy_trio";
  }
}

function drawConnection() {
  const gate = !at("gate").hidden;
  const lost = !live && lostUntil > 0;
  at("status").dataset.is = live ? "live" : lost ? "lost" : "connecting";
  put(at("status-text"), live ? "Live" : gate ? "A key is wanted" : lost ? "Not connected" : "Connecting");
  at("lost").hidden = !lost;
  document.querySelector("main").classList.toggle("stale", lost);
  if (!lost) return;
  const pause = Math.ceil((lostUntil - performance.now()) / 1000);
  const old = state ? " What is shown is how it was." : "";
  put(at("lost-why"), `${lostWhy}${old} ${pause > 0 ? `Trying again in ${pause} s.` : "Trying again."}`);
}

/** To those who hear the page: what matters, when it is new, and not too often. */
function sayRarely() {
  if (!live && !lostUntil) return;
  const { waiting, failing } = live ? state.pool : {};
  const what = !live ? "Not connected to the server."
    : failing ? "Instances cannot be started."
    : waiting ? "Requests wait for an instance."
    : "Connected. Nobody waits.";
  const now = performance.now();
  if (what === said.what || (live === said.live && now - said.at < SAY_AGAIN)) return;
  said = { what, live, at: now };
  put(at("say"), what);
}

function useTheme(name) {
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
}

for (const choice of document.querySelectorAll("[name=theme]")) {
  choice.addEventListener("change", () => {
    useTheme(choice.value);
    try {
      localStorage.setItem("ccproxy-theme", choice.value);
    } catch {
      // Then it lasts as long as this page.
    }
  });
}
try {
  const kept = document.querySelector(`[name=theme][value=${localStorage.getItem("ccproxy-theme")}]`);
  if (kept) kept.click();
} catch {
  // Whatever was kept is no theme, or may not be read.
}

at("retry").addEventListener("click", () => feed.start());
at("forget").addEventListener("click", () => feed.forgetKey());
at("gate").addEventListener("submit", (event) => {
  event.preventDefault();
  const key = at("key").value.trim();
  at("key").value = "";
  if (/^[\x21-\x7e]+$/.test(key)) feed.useKey(key);
  else put(at("gate-why"), "This cannot be a key: it has signs that no key has.");
});
setInterval(drawSoon, 1000); // Ages grow without the server's help.
feed.start();
