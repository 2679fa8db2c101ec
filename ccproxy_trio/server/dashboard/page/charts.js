"use strict";
// The traffic: four small charts of bars, one for each five seconds, and the same as a table.

const STEP = 5;
const BARS = 60;
const SVG = "http://www.w3.org/2000/svg";
// Places in what the server tells of a moment.
const REQUESTS = 0, FAILED = 1, FIRST = 2, WAITED = 4;

class Charts {
  constructor() {
    const kinds = [
      { title: "Requests", at: REQUESTS, say: sayCount, unit: "in 5 s" },
      { title: "Time to first token", at: FIRST, high: FIRST + 1, say: saySeconds },
      { title: "Wait for an instance", at: WAITED, high: WAITED + 1, say: saySeconds },
      { title: "Failed requests", at: FAILED, say: sayCount, unit: "in 5 s", name: "failures" },
    ];
    this.charts = kinds.map((kind) => new Chart(kind));
    at("charts").append(...this.charts.map((chart) => chart.element));
  }

  draw(state, now) {
    const moments = arrange(state.traffic, now);
    for (const chart of this.charts) chart.draw(moments, state.minute);
    this.fillTable(state, now);
  }

  fillTable({ traffic, minute }, now) {
    const known = Object.entries(traffic).sort(([one], [other]) => other - one).slice(0, 12);
    const rows = keep(at("traffic-rows"), ["minute", ...known.map(([start]) => start)], () => makeRow(7, [1, 2, 3, 4, 5, 6]));
    fillMoment(rows[0], "Last minute", minute);
    known.forEach(([start, point], index) => fillMoment(rows[index + 1], `5 s, ${sayAge(now - start)} ago`, point));
  }
}

function fillMoment(row, when, point) {
  put(row.children[0], when);
  point.forEach((number, index) => put(row.children[index + 1], index < FIRST ? sayCount(number) : saySeconds(number)));
}

/** What is known of each of the last moments, the oldest first; the last one is under way. */
function arrange(traffic, now) {
  const moments = new Array(BARS).fill(null);
  for (const [start, point] of Object.entries(traffic)) {
    const ago = Math.floor(Math.max(0, now - start) / STEP);
    if (ago < BARS) moments[BARS - 1 - ago] = point;
  }
  return moments;
}

class Chart {
  constructor(kind) {
    this.kind = kind;
    this.value = make("b");
    this.more = make("span");
    this.scale = make("span");
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("viewBox", `0 0 ${BARS} 40`);
    this.svg.setAttribute("preserveAspectRatio", "none");
    this.svg.setAttribute("role", "img");
    this.range = makePath(this.svg, "range");
    this.main = makePath(this.svg, "main");
    makePath(this.svg, "floor").setAttribute("d", `M0 40H${BARS}`);
    const head = make("div", "now", this.value, this.more);
    const unit = make("span", "", ...(kind.unit ? [kind.unit] : [make("i", "key"), "p50", make("i", "key range"), "p95"]));
    const axis = make("div", "axis", this.scale, unit);
    this.element = make("div", `chart ${kind.name || ""}`, make("h3", "", kind.title), head, this.svg, axis);
  }

  draw(moments, minute) {
    const { at: low, high = low, say } = this.kind;
    const numbers = moments.map((point) => (point && point[low] >= 0 ? [point[low], point[high]] : null));
    const top = numbers.reduce((most, pair) => Math.max(most, pair ? pair[1] : 0), 0);
    put(this.value, say(minute[low]));
    put(this.more, high === low ? "in the last minute" : minute[low] < 0 ? "" : `p95 ${say(minute[high])}`);
    put(this.scale, top ? `peak ${say(top)}` : "");
    this.element.classList.toggle("some", minute[low] > 0);
    const bars = (from, to) => numbers.map((pair, index) => (pair && top ? bar(index, from(pair) / top, to(pair) / top) : "")).join("");
    setPath(this.main, bars(() => 0, (pair) => pair[0]));
    setPath(this.range, high === low ? "" : bars((pair) => pair[0], (pair) => pair[1]));
    const said = `${this.kind.title}: ${this.value.textContent} ${this.more.textContent}`;
    if (this.svg.getAttribute("aria-label") !== said) this.svg.setAttribute("aria-label", said);
  }
}

/** One bar, from one part of the height to another. */
function bar(index, from, to) {
  if (to <= 0) return "";
  const least = from > 0 ? 0 : 1.2; // What is there can be seen.
  const bottom = 40 - 38 * from;
  const top = Math.min(40 - 38 * to, bottom - least);
  return `M${index + 0.14} ${bottom.toFixed(2)}V${top.toFixed(2)}h.72V${bottom.toFixed(2)}z`;
}

function makePath(svg, name) {
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("class", name);
  svg.append(path);
  return path;
}

function setPath(path, shape) {
  if (path.getAttribute("d") !== shape) path.setAttribute("d", shape);
}
