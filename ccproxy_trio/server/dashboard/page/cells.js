"use strict";
// The instances: a cell each, the places that are free, and the same as a table.

const MANY = 60; // Beyond, a cell has its number only, the table has the rest, and free places are not drawn.

class Cells {
  constructor() {
    this.uses = new Map();
    this.legend = new Map();
    for (const state of [...STATES, "free"]) {
      const count = make("span");
      const entry = make("li", "none", make("span", `swatch ${state}`), count);
      at("legend").append(entry);
      this.legend.set(state, { entry, count });
    }
    at("as-table").addEventListener("click", () => this.turn(at("cells-table").hidden));
  }

  turn(table) {
    at("cells-table").hidden = !table;
    at("cells").hidden = table;
    at("as-table").setAttribute("aria-pressed", String(table));
  }

  /** Show them as they are `now`, in seconds since the server's start. */
  draw(state, now) {
    const instances = Object.entries(state.instances).sort(([one], [other]) => one - other);
    const places = Math.max(0, state.pool.max_size - instances.length);
    const free = state.pool.max_size > MANY ? 0 : places;
    const list = at("cells");
    list.classList.toggle("many", instances.length > MANY);
    const keys = [...instances.map(([number]) => number), ...Array.from({ length: free }, (_, index) => `free${index}`)];
    const cells = keep(list, keys, makeCell);
    instances.forEach(([number, told], index) => {
      fillCell(cells[index], number, told, now);
      const before = this.uses.get(number);
      if (before !== undefined && before < told.uses) flash(cells[index]);
      this.uses.set(number, told.uses);
    });
    for (const number of this.uses.keys()) if (!(number in state.instances)) this.uses.delete(number);
    keep(at("cells-rows"), instances.map(([number]) => number), () => makeRow(7, [2, 3, 4, 5, 6]))
      .forEach((row, index) => fillRow(row, ...instances[index], now));
    this.count(instances, places);
    this.total(state, instances);
  }

  count(instances, places) {
    for (const [state, { entry, count }] of this.legend) {
      const number = state === "free" ? places : instances.filter(([, told]) => told.state === state).length;
      entry.classList.toggle("none", number === 0);
      put(count, state === "free" ? `${number} ${number === 1 ? "place" : "places"} free` : `${number} ${state}`);
    }
  }

  total({ pool }, instances) {
    put(at("f-leased"), pool.in_use);
    put(at("f-leased-of"), `of ${pool.max_size}`);
    put(at("f-idle"), pool.idle);
    put(at("f-fresh"), pool.idle ? `${pool.fresh} fresh` : "");
    put(at("f-waiting"), pool.waiting);
    put(at("f-waiting-of"), pool.waiting ? "for an instance" : "nobody");
    at("f-queue").classList.toggle("some", pool.waiting > 0);
    put(at("f-acquired"), sayCount(pool.acquired));
    put(at("f-reused"), pool.acquired ? `${Math.round((100 * pool.reused) / pool.acquired)} % warm` : "");
    const measured = instances.filter(([, told]) => told.pss !== undefined);
    const bytes = measured.reduce((sum, [, told]) => sum + told.pss, 0);
    put(at("f-memory"), measured.length ? sayBytes(bytes) : "–");
    put(at("f-memory-of"), measured.length ? `in ${measured.length} ${measured.length === 1 ? "process" : "processes"}` : "");
    at("trouble").hidden = !pool.failing;
    put(at("trouble"), pool.failing ? "Instances cannot be started now; the server’s log says why." : "");
  }
}

function makeCell(key) {
  if (String(key).startsWith("free")) {
    const cell = make("li", "free", "free");
    cell.setAttribute("aria-hidden", "true"); // The legend tells how many.
    return cell;
  }
  const facts = make("span", "facts", make("span", "uses"), make("span", "memory"));
  const who = make("span", "who", make("span", "number"), make("span", "age"));
  return make("li", "", make("span", "state"), make("span", "for"), who, facts);
}

function fillCell(cell, number, told, now) {
  if (cell.dataset.state !== told.state) {
    cell.classList.remove(cell.dataset.state);
    cell.classList.add(told.state);
    cell.dataset.state = told.state;
  }
  put(cell.querySelector(".state"), capital(told.state));
  put(cell.querySelector(".for"), told.since === undefined ? "" : `for ${sayAge(now - told.since)}`);
  put(cell.querySelector(".number"), `#${number}`);
  put(cell.querySelector(".age"), told.born === undefined ? "" : ` · ${sayAge(now - told.born)} old`);
  put(cell.querySelector(".uses"), told.uses === 1 ? "1 use" : `${told.uses} uses`);
  put(cell.querySelector(".memory"), told.pss === undefined ? "" : sayBytes(told.pss));
}

function fillRow(row, number, told, now) {
  const cells = row.children;
  put(cells[0], `#${number}`);
  put(cells[1], capital(told.state));
  put(cells[2], told.since === undefined ? "–" : sayAge(now - told.since));
  put(cells[3], told.born === undefined ? "–" : sayAge(now - told.born));
  put(cells[4], told.uses);
  put(cells[5], told.rss === undefined ? "–" : sayBytes(told.rss));
  put(cells[6], told.pss === undefined ? "–" : sayBytes(told.pss));
}

function flash(cell) {
  cell.classList.remove("used");
  void cell.offsetWidth; // Begins the animation anew.
  cell.classList.add("used");
}

function capital(word) {
  return word[0].toUpperCase() + word.slice(1);
}
