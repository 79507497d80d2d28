"use strict";

// The page as it came shows the end: every value, every gradient, both tables. This script takes
// it back to the start and goes through it. It computes nothing: what it shows at a step was
// written by Python, beside the exact numbers, and stands in `views` or in the tables.

const views = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const still = matchMedia("(prefers-reduced-motion: reduce)");
const PAUSE = 1400; // milliseconds between two steps while playing

let view = 0;        // which view is open
let now = 0;         // how many of its steps are done
let zoom = 1;
let timer = null;
let boxes = [], edges = [];  // of the open view, as numbered in its steps
const kept = [];     // the drawing and the tables of each view that was open once

// --- One step ------------------------------------------------------------------------------------

function go(to) {
  const steps = views[view].steps;
  now = Math.max(0, Math.min(to, steps.length));
  const step = steps[now - 1];
  for (const box of boxes) {
    box.classList.remove("now");
    box.classList.add("todo");
    for (const row of box.querySelectorAll(".row")) show(row, "", [], null);
  }
  for (const edge of edges) edge.classList.remove("passed", "flow", "back");
  for (const done of steps.slice(0, now)) {
    for (const [box, row, key, lines, exact] of done.shown) {
      show(boxes[box].querySelector("." + row), key, lines, exact);
    }
    boxes[done.box].classList.remove("todo");
    if (done.phase === "backward") for (const k of done.links) edges[k].classList.add("passed");
  }
  if (step) {
    boxes[step.box].classList.add("now");
    for (const k of step.links) {
      edges[k].classList.add("flow");
      if (step.phase === "backward") edges[k].classList.add("back");
    }
    bringIntoSight(boxes[step.box]);
  }
  for (const box of boxes) box.setAttribute("aria-label", spoken(box));
  tell(step, steps);
}

function show(row, key, lines, exact) {
  const [head, ...places] = row.querySelectorAll("text");
  head.textContent = key;
  head.parentNode.classList.toggle("partial", key.includes("/"));
  places.forEach((place, i) => { place.textContent = (lines[i] || "").replaceAll(" ", "\u00a0"); });
  if (exact === null) delete row.dataset.value; else row.dataset.value = exact;
}

function spoken(box) {
  const rows = [...box.querySelectorAll(".row")].map(
    (row) => [...row.querySelectorAll("text")].map((text) => text.textContent).join(" ").trim());
  return [box.querySelector("title").textContent, ...rows.filter(Boolean)].join(", ");
}

function tell(step, steps) {
  const forward = steps.filter((one) => one.phase === "forward").length;
  const [part, number, all] = now <= forward
    ? ["forward", now, forward] : ["backward", now - forward, steps.length - forward];
  const rows = $("all").querySelectorAll("tbody"), row = rows[now - 1];
  $("words").textContent = step ? step.words ?? row.querySelector(".why").textContent
    : "Nothing is computed yet. Step on: first the values appear, each after what it is computed "
      + "from; then the gradients flow back.";
  $("count").textContent = `${part} ${number}/${all}`;
  $("slider").value = now;
  $("slider").setAttribute("aria-valuetext", `${part}, step ${number} of ${all}`);
  for (const id of ["first", "back"]) $(id).setAttribute("aria-disabled", now === 0);
  for (const id of ["next", "last"]) $(id).setAttribute("aria-disabled", now === steps.length);
  for (const other of rows) other.removeAttribute("aria-current");
  $("now").replaceChildren();
  if (row) row.setAttribute("aria-current", "step");
  if (row && step.links.length && step.phase === "backward") {
    $("now").append(row.parentNode.tHead.cloneNode(true), row.cloneNode(true));
  }
}

function bringIntoSight(box) {
  const pane = $("drawing"), here = box.getBoundingClientRect(), all = pane.getBoundingClientRect();
  pane.scrollBy({
    left: here.left + here.width / 2 - all.left - all.width / 2,
    top: here.top + here.height / 2 - all.top - all.height / 2,
    behavior: still.matches ? "auto" : "smooth",
  });
}

// --- Playing -------------------------------------------------------------------------------------

function play(on) {
  clearInterval(timer);
  timer = on ? setInterval(tick, PAUSE) : null;
  $("play").textContent = on ? "Pause" : "Play";
  if (on) go(now === views[view].steps.length ? 0 : now + 1);
}

function tick() {
  if (now < views[view].steps.length) go(now + 1);
  if (now === views[view].steps.length) play(false);
}

// --- Views ---------------------------------------------------------------------------------------

function open(to) {
  kept[view] = [[...$("drawing").childNodes], [...$("all").childNodes]];
  if (!kept[to]) {
    const [drawing, tables] = document.querySelector(`template[data-view="${to}"]`).content.children;
    kept[to] = [[...drawing.childNodes], [...tables.childNodes]];
  }
  view = to;
  $("drawing").replaceChildren(...kept[to][0]);
  $("all").replaceChildren(...kept[to][1]);
  begin();
}

function begin() {
  const { path, steps } = views[view];
  boxes = [...$("drawing").querySelectorAll(".box")];
  edges = [];
  for (const edge of $("drawing").querySelectorAll(".edge")) {
    edges[edge.dataset.link] = edge;
    if (edge.querySelector(".hit")) continue;
    const hit = edge.querySelector(".wire").cloneNode(); // wider, so easier to point at
    hit.setAttribute("class", "hit");
    edge.prepend(hit);
  }
  $("slider").max = steps.length;
  $("path").hidden = path.length < 2;
  $("path").replaceChildren(...path.flatMap(([name, to], i) => {
    const link = document.createElement("button");
    link.textContent = name;
    link.addEventListener("click", () => open(to));
    if (i === path.length - 1) link.setAttribute("aria-current", "page");
    return i ? [" › ", link] : [link];
  }));
  fit(0.82); // smaller, nobody could read it: then a part of the drawing is seen
  go(0);
}

function fit(smallest) {
  const { width, height } = $("drawing").querySelector("svg").viewBox.baseVal;
  const wide = $("drawing").clientWidth / width, whole = Math.min(wide, 0.58 * innerHeight / height);
  resize(Math.min(1.35, whole < smallest ? Math.max(smallest, Math.min(wide, 1)) : whole));
}

function resize(to) {
  zoom = Math.max(0.1, Math.min(to, 5));
  const svg = $("drawing").querySelector("svg");
  svg.setAttribute("width", svg.viewBox.baseVal.width * zoom);
  svg.setAttribute("height", svg.viewBox.baseVal.height * zoom);
}

// --- What the reader does ------------------------------------------------------------------------

const moves = {
  first: () => go(0), back: () => go(now - 1), next: () => go(now + 1),
  last: () => go(views[view].steps.length),
};
for (const [id, move] of Object.entries(moves)) {
  $(id).addEventListener("click", () => { play(false); move(); });
}
$("play").addEventListener("click", () => play(!timer));
$("slider").addEventListener("input", () => { play(false); go(Number($("slider").value)); });
$("smaller").addEventListener("click", () => resize(zoom / 1.25));
$("larger").addEventListener("click", () => resize(zoom * 1.25));
$("fit").addEventListener("click", () => fit(0));

const keys = { Home: "first", ArrowLeft: "back", ArrowRight: "next", End: "last" };
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const folded = event.target.closest(".box[role=button]");
  const button = event.target.closest("button, a");
  if (folded && (event.key === "Enter" || event.key === " ")) unfold(folded);
  else if (event.key === " " && !button) play(!timer);
  else if (event.key === "Escape" && views[view].path.length > 1) open(views[view].path.at(-2)[1]);
  else if (keys[event.key] && event.target !== $("slider")) $(keys[event.key]).click();
  else return;
  event.preventDefault();
});

function unfold(box) {
  play(false);
  open(views[view].unfolds[box.dataset.box]);
  $("path").lastElementChild.focus();
}

$("drawing").addEventListener("click", (event) => {
  const folded = event.target.closest(".box[role=button]");
  if (folded) unfold(folded);
});
for (const kind of ["pointerover", "focusin"]) {
  $("drawing").addEventListener(kind, (event) => {
    const noted = event.target.closest(".box, .edge");
    if (noted) $("note").textContent = noted.querySelector("title").textContent;
  });
}

// On paper stands the end, as it does without this script.
let before = 0;
matchMedia("print").addEventListener("change", (event) => {
  if (event.matches) { before = now; play(false); go(views[view].steps.length); } else go(before);
});

for (const part of document.querySelectorAll("#note, #controls, #step")) part.hidden = false;
begin();
