"use strict";
(() => {
const failed = text => { document.body.dataset.errors = (document.body.dataset.errors || "") + text + "; "; };
window.addEventListener("error", event => failed(event.message));
document.addEventListener("securitypolicyviolation", event => failed(event.violatedDirective + " " + event.blockedURI + " " + event.sample));
// under the page's policy no text becomes code: expressions are interpreted, and styles are the page's own
const options = { renderer: "svg", ast: true, defaultStyle: false, forceActionsMenu: true, tooltip: { disableDefaultStyle: true }, scaleFactor: 3.125, actions: { export: true, source: false, compiled: false, editor: false } };
const shown = new Map();  // what was drawn where, and for how much room
const roomOf = place => place.clientWidth - 52;  // but for padding and the menu
function draw(place) {
  if (place.dataset.drawn) return;
  place.dataset.drawn = "begun";
  const spec = JSON.parse(document.getElementById(place.dataset.spec).textContent);
  const room = roomOf(place), limits = spec.usermeta || {};
  // axes, legends and names at the ends of lines included; what needs more room than there is is scrolled
  if (typeof spec.width === "number") {
    spec.width = Math.max(limits.narrowest || 0, Math.min(room, limits.widest || room));
    spec.autosize = { type: "fit-x", contains: "padding" };
  }
  if (room < 560) {
    narrow(spec, Math.floor(room / 8.2));
    const text = JSON.stringify(spec);
    if (typeof spec.height === "number" && text.includes('"labelExpr"') && text.includes(" \u00b7 ")) spec.height *= 1.6;
    legendInstead(spec);
    spec.config = spec.config || {};
    spec.config.legend = Object.assign({}, spec.config.legend, { orient: "bottom", columns: 1 });
    if (spec.title && spec.title.subtitle) spec.title.subtitle = [].concat(spec.title.subtitle).flatMap(line => wrap(line, Math.floor(room / 6.4)));
    if (spec.title) spec.title.text = wrap(spec.title.text, Math.floor(room / 8.2));
  } else if (spec.title && spec.title.subtitle) spec.title.subtitle = [].concat(spec.title.subtitle).flatMap(line => wrap(line, Math.floor(room / 5.6)));
  const before = shown.get(place);
  if (before) before.finalize();
  vegaEmbed(place, spec, options).then(result => { shown.set(place, result); place.dataset.room = room; place.dataset.drawn = "done"; place.style.minHeight = 0; place.dataset.at = Math.round(performance.now()); redraw(place); }).catch(error => { place.dataset.drawn = "failed"; place.textContent = String(error); console.error(error); });
}
function again() {  // what was drawn for another width
  for (const [place, result] of shown) {
    if (!place.isConnected) { result.finalize(); shown.delete(place); continue; }
    redraw(place);
  }
}
function redraw(place) {  // if its room is another one than it was drawn for; while it is drawn, it waits until that is done
  if (place.dataset.drawn !== "done" || Math.abs(roomOf(place) - Number(place.dataset.room)) < 4) return;
  place.dataset.drawn = "";
  draw(place);
}
let settled = 0;
window.addEventListener("resize", () => { clearTimeout(settled); settled = setTimeout(again, 150); });
function legendInstead(spec) {  // of names at the ends of lines; those of rules stand above them
  const legend = (spec.usermeta || {}).legend;
  if (!spec.layer) return;
  spec.layer = spec.layer.filter(layer => !/^ends(_of_rules)?_leaders|^ends$/.test(layer.name || ""));
  for (const layer of spec.layer) {
    if (layer.name === "ends_of_rules") {
      Object.assign(layer.mark, { align: "right", baseline: "bottom", dx: -3, limit: 220 });
      layer.encoding.x = { value: "width" };
      layer.encoding.y.field = "srcc";
    }
    const colour = (layer.encoding || {}).color;
    if (legend && colour && colour.field === legend.field) colour.legend = { title: legend.title, symbolType: "stroke", symbolSize: 300, symbolOpacity: 1, symbolLimit: 60 };
  }
}
function narrow(node, most) {  // legends below each other; long names beside an axis, and titles below one, in several lines
  if (!node || typeof node !== "object") return;
  for (const part of [node.x, node.x && node.x.axis]) if (part && typeof part.title === "string") part.title = wrap(part.title, most);
  if (node.legend && node.legend.columns) node.legend.columns = 1;
  if (node.y && node.y.type === "nominal" && node.y.axis !== null) node.y.axis = Object.assign({}, node.y.axis, { labelExpr: "split(replace(datum.label, ' \u2212 ', ' \u00b7 \u2212 '), ' \u00b7 ')", labelFontSize: 9, labelLineHeight: 9, labelLimit: 130 });
  for (const [key, value] of Object.entries(node)) if (key !== "data" && key !== "datasets") narrow(value, most);
}
function wrap(text, most) {
  const lines = [""];
  for (const word of String(text).split(" ")) {
    const last = lines.length - 1;
    if (lines[last] && lines[last].length + word.length + 1 > most) lines.push(word); else lines[last] += (lines[last] ? " " : "") + word;
  }
  return lines;
}
const seen = new IntersectionObserver(entries => entries.forEach(entry => { if (entry.isIntersecting) draw(entry.target); }), { rootMargin: "200px" });
const drawAll = () => (document.querySelector("body.one #unit") || document).querySelectorAll(".chart").forEach(draw);
document.querySelectorAll(".chart").forEach(place => seen.observe(place));
window.addEventListener("beforeprint", drawAll);
let pictures = null;
function fill(part) {
  pictures = pictures || JSON.parse(document.getElementById("pictures").textContent);
  part.querySelectorAll("img[data-picture]").forEach(image => { image.src = "data:image/jpeg;base64," + pictures[image.dataset.picture]; });
}
function route() {
  const name = location.hash.startsWith("#u=") ? decodeURIComponent(location.hash.slice(3)) : "";
  const text = name && document.getElementById("u-" + name), unit = document.getElementById("unit");
  unit.innerHTML = text ? text.textContent : "";
  document.body.classList.toggle("one", Boolean(text));
  if (!text) { if (location.hash.length > 1) { const place = document.getElementById(location.hash.slice(1)); if (place) place.scrollIntoView(); } return; }
  again();
  fill(unit);
  unit.querySelectorAll(".chart").forEach(place => seen.observe(place));
  window.scrollTo(0, 0);
}
const disagreeing = document.getElementById("disagree");
if (disagreeing) fill(disagreeing);
window.addEventListener("hashchange", route);
route();
if (location.search === "?all") drawAll();  // at once, for whoever takes a picture of the page
// what a check of the page wants to know: whether anything is wider than the window
const measure = () => { document.body.dataset.wide = document.documentElement.scrollWidth; document.body.dataset.window = window.innerWidth; };
window.addEventListener("load", () => { document.body.dataset.opened = Math.round(performance.now()); setTimeout(measure, 1500); });
function value(row, place) { const cell = row.cells[place]; return cell.dataset.v !== undefined ? Number(cell.dataset.v) : cell.textContent; }
function sort(head) {
  const row = head.parentNode, place = [...row.cells].indexOf(head), body = head.closest("table").tBodies[0];
  const falling = head.getAttribute("aria-sort") !== "descending";
  [...row.cells].forEach(other => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", falling ? "descending" : "ascending");
  const order = (a, b) => { const x = value(a, place), y = value(b, place); return typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y)); };
  body.append(...[...body.rows].sort((a, b) => falling ? order(b, a) : order(a, b)));
}
const sorted = event => { const head = event.target.closest("th[tabindex]"); if (head) sort(head); };
document.addEventListener("click", sorted);
document.addEventListener("keydown", event => { if (event.key === "Enter") sorted(event); });
document.querySelectorAll("input[data-filter]").forEach(field => field.addEventListener("input", () => {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of document.getElementById(field.dataset.filter).tBodies[0].rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every(word => text.includes(word));
  }
}));
})();
