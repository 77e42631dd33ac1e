// One person's timeline: what they did, what we did, who they became, and how we know that it is them.

import { el, icon, linkOut } from "./dom.js";
import { day, duration, spoken, t, time } from "./words.js";

const LONG = 420;
const CODE = /kl1_[a-z2-7]{26}_[a-z2-7]{26}/;

/** The whole list: entries newest first, with merges and silences in their place. */
export function timeline(entries, joins, reasons, openWhy) {
  const lines = inOrder(entries, joins, reasons);
  const repeated = repeats(entries);
  const list = el("ol", { class: "line" });
  let last = "";
  for (const line of lines) {
    const today = line.at ? day(line.at) : "";
    if (today !== last) list.append(el("li", { class: "day" }, el("span", {}, today)));
    last = today;
    list.append(shown(line, repeated, openWhy));
  }
  return list;
}

function inOrder(entries, joins, reasons) {
  const lines = [];
  for (const entry of entries) {
    lines.push(entry);
    for (const absence of reasons.get(entry.because?.decision)?.absences || []) lines.push({ type: "silence", at: absence.until, ...absence });
  }
  for (const join of joins) {
    const place = lines.findIndex((line) => line.at && line.at <= join.at);
    lines.splice(place < 0 ? lines.length : place, 0, { type: "merge", ...join });
  }
  return lines;
}

/** Moves to a stage that the person had already: made on another channel, before we knew that it is one person. */
function repeats(entries) {
  const held = new Map(), found = new Set();
  for (const entry of entries.filter((one) => one.type === "stage").reverse()) {
    if (held.get(entry.track) === entry.stage) found.add(entry.id);
    held.set(entry.track, entry.stage);
  }
  return found;
}

function shown(line, repeated, openWhy) {
  if (line.type === "stage") return stage(line, repeated.has(line.id), openWhy);
  if (line.type === "merge") return merge(line);
  if (line.type === "silence") return silence(line);
  if (line.type === "followup") return held(line, openWhy);
  return interaction(line, openWhy);
}

function row(sort, drawing, ...content) {
  return el("li", { class: `row ${sort}` }, el("span", { class: "dot" }, icon(drawing)), el("div", { class: "what" }, ...content));
}

function when(at) {
  return at ? el("time", { datetime: at, title: at }, time(at)) : "";
}

function stage(line, again, openWhy) {
  const name = el("strong", {}, t.stages[line.stage] || line.stage);
  return row(again ? "mark again" : "mark", "stage",
    el("span", { class: "said" }, `${t.tracks[line.track] || line.track}: `, again ? t.still(name) : t.becomes(name)),
    line.decision && el("button", { class: "quiet", onclick: () => openWhy(line.id) }, t.whyMove), when(line.at));
}

function merge(line) {
  return row("mark join", "merge", el("span", { class: "said" }, el("strong", {}, t.joined), ". ", proof(line), line.undone_at ? ` (${t.undone})` : ""), when(line.at));
}

/** In words, by which proof two sets of handles are one person's. */
export function proof(joined) {
  const names = (handles) => el("b", { class: "handle" }, handles.map(spoken).join(" / ") || "…");
  const parts = { one: names(joined.one), other: names(joined.other), by: joined.by, source: joined.evidence.source || joined.by };
  return (t.proofs[joined.evidence.proof] || t.byHand)(parts);
}

function silence(line) {
  return el("li", { class: "row silence" }, el("span", { class: "dot" }), el("div", { class: "what" }, t.silence[line.of](duration(line.since, line.until))));
}

function held(line, openWhy) {
  return row("card ours held", "held",
    el("header", {}, el("strong", {}, t.held), ` · ${t.states[line.state] || line.state}`, when(line.at)),
    line.reason && el("p", { class: "text" }, line.reason),
    el("footer", {}, el("button", { class: "why", onclick: () => openWhy(line.id) }, t.why)));
}

function interaction(line, openWhy) {
  const parties = line.parties || [];
  const author = parties.find((one) => one.role === "author");
  const claimed = line.standing === "claimed" && line.direction !== "outbound";
  const sort = { outbound: "ours", among: "among" }[line.direction] || "theirs";
  return row(`card ${sort} ${claimed ? "claimed" : ""}`, line.kind === "order" ? "order" : line.channel,
    el("header", {}, el("strong", {}, line.because?.trigger ? t.us : name(author)), ` ${t.kinds[line.kind] || t.kinds.unknown}`, whom(line, parties),
      el("span", { class: `channel ${line.channel}` }, line.channel), when(line.at)),
    line.subject && el("p", { class: "subject" }, line.subject),
    line.deleted ? el("p", { class: "gone" }, t.deleted) : text(line.text),
    footer(line, claimed, openWhy));
}

function name(party) {
  if (!party) return t.somebody;
  if (party.ours && !party.name) return t.us;
  return party.name || spoken(party.handle) || t.somebody;
}

function whom(line, parties) {
  const other = parties.find((one) => one.role === "recipient" && !one.ours);
  const toThem = line.direction === "outbound" && line.role === "recipient"; // it stands on their own timeline
  return other && line.direction !== "inbound" && !toThem ? ` ${t.to} ${name(other)}` : "";
}

function footer(line, claimed, openWhy) {
  const notes = [line.edited && t.edited, line.automatic && t.automatic, line.moderation && line.moderation !== "approved" && line.moderation];
  const parts = [
    claimed && el("span", { class: "doubt", title: t.claimedWhy }, el("b", {}, t.claimed), ` · ${t.claimedWhy}`),
    ...notes.filter(Boolean).map((note) => el("span", { class: "note" }, note)),
    line.because && el("button", { class: "why", onclick: () => openWhy(line.because.followup) }, t.why),
    linkOut(line.url, t.seeThere),
  ].filter(Boolean);
  return parts.length ? el("footer", {}, ...parts) : null;
}

/** A text as it was written; long ones fold, and one-time codes are not shown to whoever looks over a shoulder. */
export function text(written) {
  if (!written) return null;
  const said = el("p", { class: "text" }, hideCodes(written.trim()));
  if (written.length <= LONG) return said;
  said.classList.add("long");
  const unfold = el("button", { class: "quiet", onclick: () => { said.classList.remove("long"); unfold.remove(); } }, t.wholeText);
  return [said, unfold];
}

function hideCodes(written) {
  const parts = [];
  for (let found = CODE.exec(written); found; found = CODE.exec(written)) {
    parts.push(written.slice(0, found.index), el("span", { class: "code" }, t.code));
    written = written.slice(found.index + found[0].length);
  }
  return [...parts, written];
}

