"use strict";
// Elements, made and kept up to date with no more changes than there are.

const at = (id) => document.getElementById(id);

function make(tag, className = "", ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

function put(element, text) {
  const said = String(text);
  if (element.textContent !== said) element.textContent = said;
}

/** The same for text of long words, which may break behind a dot, a slash or an underscore. */
function putBreakable(element, text) {
  if (element.textContent === text) return;
  const parts = text.split(/(?<=[._/,])/);
  element.replaceChildren(...parts.flatMap((part) => [part, make("wbr")]));
}

/** Have `parent` hold one child for each key, in this order: those there already stay, `create` makes the others. */
function keep(parent, keys, create) {
  const there = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  const children = keys.map((key) => {
    let child = there.get(String(key));
    there.delete(String(key));
    if (!child) {
      child = create(key);
      child.dataset.key = key;
    }
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
    return child;
  });
  for (const child of there.values()) child.remove();
  return children;
}

/** A row of a table: the first cell is its header, numbers stand on the right. */
function makeRow(count, numbers) {
  const row = make("tr");
  for (let index = 0; index < count; index += 1) {
    const cell = make(index ? "td" : "th", numbers.includes(index) ? "n" : "");
    if (!index) cell.scope = "row";
    row.append(cell);
  }
  return row;
}

function makeEmpty(columns, text) {
  const cell = make("td", "none", text);
  cell.colSpan = columns;
  return make("tr", "", cell);
}
