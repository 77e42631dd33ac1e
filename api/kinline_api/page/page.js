// The page: a list of people, one person's timeline, and the why. It only reads.
// Places: `#/` everybody · `#/people/ID` one of them · `#/people/ID/why/REFERENCE` with the why open.

import { el } from "./dom.js";
import { ask, forget, keep, key, Refused, takeKeyFromAddress } from "./hub.js";
import { timeline } from "./timeline.js";
import { why } from "./why.js";
import { language, spoken, t } from "./words.js";

const MOST_REASONS = 20;
const people = el("nav", { class: "people", "aria-label": t.people });
const person = el("main", { class: "person" });
const sheet = el("dialog", { class: "sheet", "aria-labelledby": "why-title" });
let open = { id: "", entries: [], next: "", joins: [], reasons: new Map(), view: null };

document.documentElement.lang = language;
takeKeyFromAddress();
sheet.addEventListener("close", () => { if (place().reference) location.hash = `#/people/${place().id}`; });
sheet.addEventListener("click", (event) => { if (event.target === sheet) sheet.close(); });
addEventListener("hashchange", go);
start();

function start() {
  if (!key()) return askForKey();
  document.body.replaceChildren(top(), el("div", { class: "both" }, people, person), sheet);
  return guarded(people, () => listPeople("")).then(go);
}

function top() {
  const leave = () => { forget(); location.hash = ""; location.reload(); };
  return el("header", { class: "top" }, el("a", { class: "brand", href: "#/" }, "Kinline"), el("span", { class: "tagline" }, t.tagline),
    el("a", { href: "/docs" }, t.api), el("button", { class: "quiet", onclick: leave }, t.forget));
}

function askForKey(said = "") {
  const field = el("input", { type: "password", id: "key", autocomplete: "off", spellcheck: "false", placeholder: "kl_…", required: true });
  const enter = (event) => { event.preventDefault(); keep(field.value); start(); };
  document.body.replaceChildren(el("form", { class: "door", onsubmit: enter }, el("h1", {}, "Kinline"), el("p", {}, t.tagline),
    el("label", { for: "key" }, t.key), field, el("button", { class: "why" }, t.open), said && el("p", { class: "doubt" }, said),
    el("p", { class: "small" }, t.keyAsk), el("p", { class: "small" }, t.keyHow)));
  field.focus();
}

/** Do it; when the hub refuses, say so in that place, and ask for the key anew where that is at fault. */
async function guarded(where, work) {
  where.setAttribute("aria-busy", "true");
  try {
    await work();
  } catch (error) {
    if (error instanceof Refused && error.status === 401) { forget(); askForKey(error.message); return; }
    where.replaceChildren(el("div", { class: "trouble", role: "alert" }, el("p", {}, error.message), el("button", { class: "why", onclick: () => guarded(where, work) }, t.retry)));
  } finally {
    where.removeAttribute("aria-busy");
  }
}

async function listPeople(q) {
  const list = el("ul");
  const field = el("input", { type: "search", placeholder: t.search, "aria-label": t.search, value: q, oninput: later((event) => guarded(list, () => fill(list, event.target.value, ""))) });
  people.replaceChildren(el("h2", {}, t.people), field, list);
  await fill(list, q, "");
}

async function fill(list, q, cursor) {
  const page = await ask("/v1/people", { q, cursor, limit: 100 });
  const lines = page.people.sort((one, other) => one.name.localeCompare(other.name)).map(personLine);
  if (!cursor) list.replaceChildren();
  list.append(...lines);
  if (!list.children.length) list.append(el("li", { class: "small" }, q ? t.noneFound : t.nobody));
  if (page.next) {
    const more = el("li", {}, el("button", { class: "quiet", onclick: () => { more.remove(); guarded(list, () => fill(list, q, page.next)); } }, t.more));
    list.append(more);
  }
}

function personLine(one) {
  const handles = one.identities.map((each) => each.aliases.length ? spoken(each.aliases[0]) : spoken(each.handle));
  return el("li", {}, el("a", { href: `#/people/${one.id}`, "data-person": one.id }, face(one), el("span", {}, el("strong", {}, one.name), el("small", {}, handles.join(", ")))));
}

function face(one) {
  const initials = one.name.split(/\s+/u).map((word) => [...word][0]).filter(Boolean).slice(0, 2).join("");
  return el("span", { class: `face hue${parseInt(one.id.slice(-2), 16) % 6}`, "aria-hidden": "true" }, initials.toUpperCase());
}

function place() {
  const [, , id = "", , reference = ""] = location.hash.split("/");
  return { id, reference };
}

async function go() {
  if (!key()) return;
  const { id, reference } = place();
  document.body.classList.toggle("chosen", Boolean(id));
  for (const link of people.querySelectorAll("[data-person]")) link.toggleAttribute("aria-current", link.dataset.person === id);
  if (!id) { open.id = ""; person.replaceChildren(el("p", { class: "hint" }, t.choose)); }
  else if (id !== open.id) { person.replaceChildren(el("p", { class: "hint" }, t.loading)); await guarded(person, () => load(id)); }
  if (reference) await guarded(person, () => show(reference));
  else if (sheet.open) sheet.close();
}

async function load(id) {
  const path = `/v1/people/${encodeURIComponent(id)}`;
  const [view, page, merges, stages] = await Promise.all([ask(path), ask(`${path}/timeline`, { limit: 100 }), ask(`${path}/merges`), ask(`${path}/stages`)]);
  const joins = await Promise.all(merges.merges.slice(-MOST_REASONS).map((one) => ask(`/v1/why/${one.id}`)));
  open = { id, view, stages: stages.now, entries: [], next: "", joins: joins.flatMap((told) => told.merges), reasons: new Map() };
  await add(page);
  if (place().id === id) draw();
}

/** Take a page of the timeline in, with the reasons of what triggers sent. */
async function add(page) {
  open.entries.push(...page.entries);
  open.next = page.next;
  const decisions = page.entries.map((entry) => entry.because?.decision).filter(Boolean).slice(0, MOST_REASONS);
  const told = await Promise.all(decisions.map((decision) => ask(`/v1/why/${decision}`, { language })));
  for (const one of told) open.reasons.set(one.decision, one);
}

function draw() {
  const oldest = open.next ? open.entries.at(-1)?.at : "";
  const joins = open.joins.filter((join) => !oldest || join.at >= oldest);
  const more = async () => { const page = await ask(`/v1/people/${open.id}/timeline`, { limit: 100, cursor: open.next }); await add(page); draw(); };
  const openWhy = (reference) => { location.hash = `#/people/${open.id}/why/${reference}`; };
  person.replaceChildren(el("a", { class: "back", href: "#/" }, `← ${t.back}`), heading(), timeline(open.entries, joins, open.reasons, openWhy),
    ...(open.next ? [el("button", { class: "quiet", onclick: () => guarded(person, more) }, t.more)] : []));
  document.title = `${open.view.name} · Kinline`;
}

function heading() {
  const { view } = open;
  const stages = Object.entries(open.stages).map(([track, stage]) => el("span", { class: `stage ${track}` }, t.stages[stage] || stage));
  const known = view.identities.map((one) => el("li", { title: one.handle }, el("span", {}, spoken(one.handle)), ...one.aliases.map((alias) => el("small", {}, spoken(alias)))));
  return el("header", { class: "who" }, face(view), el("div", {}, el("h1", {}, view.name), el("p", { class: "stages" }, ...stages)),
    el("ul", { class: "known", "aria-label": t.knownAs }, ...known));
}

async function show(reference) {
  const told = await ask(`/v1/why/${encodeURIComponent(reference)}`, { language });
  sheet.replaceChildren(el("button", { class: "shut", "aria-label": t.close, onclick: () => sheet.close() }, "×"), why(told));
  if (!sheet.open) sheet.showModal();
  sheet.scrollTop = 0;
}

function later(work) {
  let waiting = 0;
  return (event) => { clearTimeout(waiting); waiting = setTimeout(() => work(event), 200); };
}
