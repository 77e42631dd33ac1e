// The why of something that we did: what happened, what did not, what it relied on, what came of it.

import { el, icon } from "./dom.js";
import { proof, text } from "./timeline.js";
import { dayAndTime, duration, spoken, t, time } from "./words.js";

const READINGS = { "person.business": "readBusiness", "person.relationship": "readRelationship" };

/** The sheet's content. */
export function why(told) {
  return el("article", { class: "because", tabindex: "-1", autofocus: true }, head(told), el("ol", { class: "steps" },
    step(t.happened, told.interactions.map(seen)),
    step(t.missed, told.absences.map(missed)),
    step(t.relied, relied(told)),
    step(t.did, [...told.moves.map(move), ...told.tasks.map(task), ...told.followups.map(message)])), foot(told));
}

function head(told) {
  const trigger = told.trigger;
  return el("header", {},
    el("p", { class: "kicker" }, told.sort === "stage" ? t.whyMove : t.why, " · ", told.name),
    el("h2", { id: "why-title" }, trigger ? trigger.about : t.byHandTitle(told.by)),
    el("p", { class: "facts" },
      trigger && el("code", {}, trigger.name), trigger && el("span", {}, t.version(trigger.version)),
      told.verdict && el("span", { class: `state ${told.verdict}` }, t.verdicts[told.verdict] || told.verdict),
      told.at && el("time", { datetime: told.at, title: told.at }, dayAndTime(told.at))));
}

function step(title, content) {
  const found = content.filter(Boolean);
  return found.length ? el("li", {}, el("h3", {}, title), ...found) : null;
}

function seen(one) {
  const words = one.hidden ? el("p", { class: "gone" }, t.hidden) : one.deleted ? el("p", { class: "gone" }, t.deleted) : text(one.text);
  return el("blockquote", {},
    el("p", { class: "by" }, icon(one.kind === "order" ? "order" : one.channel), el("strong", {}, spoken2(one.by) || t.somebody),
      ` ${t.kinds[one.kind] || t.kinds.unknown}`, el("span", { class: `channel ${one.channel}` }, one.channel), el("time", { datetime: one.at, title: one.at }, dayAndTime(one.at))),
    one.subject && el("p", { class: "subject" }, one.subject), words);
}

/** A name as it is; a handle as people say it. */
const spoken2 = (by) => (/^(email|phone|x_id|x_handle|url|external):/.test(by) ? spoken(by) : by);

function missed(absence) {
  return el("div", { class: "gap" },
    el("div", { class: "span" }, el("time", { datetime: absence.since, title: absence.since }, ends(absence)[0]),
      el("span", { class: "empty" }, el("span", {}, duration(absence.since, absence.until))),
      el("time", { datetime: absence.until, title: absence.until }, ends(absence)[1])),
    el("p", {}, t.lookedFor[absence.of] || absence.looked_for, " ", el("strong", {}, t.nothing)));
}

/** Times alone where both ends are of one day. */
function ends({ since, until }) {
  const sameDay = new Date(since).toDateString() === new Date(until).toDateString();
  return (sameDay ? [since, until].map(time) : [since, until].map(dayAndTime));
}

function relied(told) {
  const read = Object.entries(told.read).filter(([name]) => READINGS[name]).map(([name, value]) =>
    el("p", { class: "read" }, `${t[READINGS[name]]}: `, el("strong", {}, t.stages[value] || String(value))));
  const proofs = told.merges.filter((one) => !one.undone_at).map((one) =>
    el("li", {}, icon("merge"), el("span", {}, proof(one), " ", el("time", { datetime: one.at, title: one.at }, dayAndTime(one.at)))));
  return [...read, proofs.length ? el("ul", { class: "proofs" }, ...proofs) : null,
    told.proved ? null : el("p", { class: "doubt" }, t.unproved), told.reason ? el("p", { class: "doubt" }, `${t.reason}: ${told.reason}`) : null];
}

function move(one) {
  return el("p", { class: "did" }, icon("stage"), el("span", {}, `${t.tracks[one.track] || one.track}: `, t.becomes(el("strong", {}, t.stages[one.stage] || one.stage))));
}

function task(one) {
  return el("p", { class: "did" }, icon("support"), el("span", {}, `${t.task} `, el("strong", {}, one.team), `: ${one.title}`), state(one.state));
}

function message(one) {
  const tries = one.attempts.length > 1 || one.state !== "sent";
  return el("div", { class: "sent" },
    el("p", { class: "did" }, icon(one.channel), el("span", {}, `${t.message} `, el("strong", {}, spoken(one.to)), ` (${t.classes[one.send_class] || one.send_class})`),
      state(one.state), el("time", { datetime: one.sent_at || one.due_at, title: one.sent_at || one.due_at }, dayAndTime(one.sent_at || one.due_at))),
    one.text && el("blockquote", {}, one.subject && el("p", { class: "subject" }, one.subject), text(one.text)),
    one.reason && el("p", { class: "reason" }, one.reason),
    tries && el("ul", { class: "tries" }, one.attempts.map((each) => el("li", {}, `${t.attempt(each.number)}, ${dayAndTime(each.at)}: ${each.outcome} ${each.detail}`))));
}

const state = (word) => el("span", { class: `state ${word}` }, t.states[word] || word);

function foot(told) {
  return told.summary ? el("details", {}, el("summary", {}, t.paragraph), el("p", { class: "paragraph" }, told.summary)) : null;
}
