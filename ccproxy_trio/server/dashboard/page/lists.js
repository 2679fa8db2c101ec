"use strict";
// The last retirements, and the settings in force.

const SHOWN = 20;

function drawRetirements(state, now) {
  const gone = Object.values(state.retirements).sort((one, other) => other.at - one.at).slice(0, SHOWN);
  const rows = at("retired-rows");
  if (!gone.length) {
    keep(rows, ["none"], () => makeEmpty(5, "None since the server was started."));
    return;
  }
  keep(rows, gone.map(({ id }) => id), () => makeRow(5, [3, 4])).forEach((row, index) => {
    const { id, at: when, reason, uses, age, cause } = gone[index];
    const cells = row.children;
    put(cells[0], `${sayAge(now - when)} ago`);
    put(cells[1], `#${id}`);
    if (!cells[2].firstChild) {
      const explained = REASONS[reason] || "";
      cells[2].append(capital(reason.replaceAll("_", " ")), make("small", "", cause ? `${explained} ${capital(cause)}.` : explained));
    }
    put(cells[3], sayCount(uses));
    put(cells[4], sayAge(age));
  });
}

class SettingsList {
  constructor() {
    this.settings = {};
    at("only-set").addEventListener("change", () => this.filter());
    at("find").addEventListener("input", () => this.filter());
  }

  draw(state) {
    if (state.settings === this.settings) return;
    this.settings = state.settings;
    this.filter();
  }

  filter() {
    const wanted = at("find").value.trim().toLowerCase();
    const onlySet = at("only-set").checked;
    const chosen = Object.entries(this.settings).filter(
      ([key, { origin, value }]) => !(onlySet && origin === "default") && `${key} ${value}`.toLowerCase().includes(wanted),
    );
    if (!chosen.length) {
      keep(at("settings-rows"), ["none"], () => makeEmpty(3, "None."));
      return;
    }
    keep(at("settings-rows"), chosen.map(([key]) => key), () => makeRow(3, [])).forEach((row, index) => {
      const [key, { value, origin }] = chosen[index];
      row.className = origin === "default" ? "" : "set";
      putBreakable(row.children[0], key);
      putBreakable(row.children[1], value === "" ? "–" : value);
      putBreakable(row.children[2], origin);
      row.children[2].className = "from";
    });
  }
}
