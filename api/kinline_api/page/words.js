// What the page says, in English and Spanish, and how it writes times. The browser's language chooses.

const ENGLISH = {
  tagline: "One person, many channels, one timeline.",
  key: "API key", keyAsk: "To look at people, this page needs an API key with the scope “read”. It stays in this tab.",
  keyHow: "kinline up prints one; kinline key create makes another.", open: "Open", forget: "Forget the key",
  api: "API", people: "People", search: "Name, address or id", nobody: "Nobody is here yet.", noneFound: "Nobody by that name.",
  choose: "Choose somebody, and see their life with you on one line.", more: "Show more", back: "All people",
  loading: "One moment …", retry: "Try again", close: "Close",
  knownAs: "Known as", verified: "proved", claimed: "claimed", inferred: "concluded",
  claimedWhy: "Somebody typed this name or address. Nothing proves that it was this person, so it moves nothing.",
  kinds: { message: "wrote", comment: "commented", mention: "mentioned us", post: "posted", article: "published", share: "passed on something of ours",
    quote: "quoted", reaction: "liked something of ours", follow: "started to follow us", review: "reviewed", check_in: "checked in", call: "called",
    visit: "came by", event: "took part", app_event: "did something", letter: "sent a letter", order: "ordered", page_view: "looked at a page", note: "noted", unknown: "did something" },
  us: "We", to: "to", somebody: "somebody", deleted: "Deleted at its source.", edited: "edited", automatic: "automatic", seeThere: "see it there",
  wholeText: "Show all", code: "one-time code", why: "Why was this sent?", whyMove: "Why?", held: "Not sent",
  states: { pending: "waiting", sending: "being sent", sent: "sent", failed: "failed", unknown: "nobody knows whether it arrived", cancelled: "held back", expired: "too late", open: "open", done: "done" },
  tracks: { business: "Business", relationship: "Relationship" },
  stages: { none: "none", prospect: "prospect", lead: "lead", customer: "customer", loyal: "loyal customer", lapsing: "lapsing", lapsed: "lapsed", stranger: "stranger", fan: "fan", advocate: "advocate" },
  becomes: (stage) => ["is now a ", stage], still: (stage) => ["was a ", stage, " here too, before we knew that it is the same person"],
  joined: "Found to be the same person", undone: "taken back",
  proofs: { "one-time link": (m) => ["A one-time code that went to ", m.one, " came back from ", m.other, "."],
    "signed assertion": (m) => [m.source, " signed that ", m.one, " and ", m.other, " are one person."] },
  byHand: (m) => [m.by, " said that ", m.one, " and ", m.other, " are one person."],
  silence: { us: (time) => `${time}, and nobody of us answered`, them: (time) => `${time} without a sign of them`, anyone: (time) => `${time} of silence` },
  happened: "What happened", missed: "What did not happen", relied: "What it relied on", did: "What we did", wrote: "Who wrote it",
  lookedFor: { us: "We looked for anything that one of us did towards them.", them: "We looked for anything that they did.", anyone: "We looked for anything that anyone did." },
  nothing: "There was nothing.", readBusiness: "Business stage at that moment", readRelationship: "Relationship at that moment",
  verdicts: { fired: "fired", skipped: "held back", shadowed: "in shadow: did nothing" }, version: (number) => `version ${number}`,
  task: "Task for", message: "Message to", reason: "Reason noted", hidden: "You may not read what it said.", unproved: "Somebody only says that they are this person.",
  classes: { human: "by hand", service: "service", transactional: "about what they did", marketing: "marketing" },
  paragraph: "In one paragraph", byHandTitle: (by) => `${by} wrote this by hand.`, attempt: (number) => `try ${number}`,
  units: { day: ["day", "days"], hour: ["hour", "hours"], minute: ["minute", "minutes"] },
};

const SPANISH = {
  tagline: "Una persona, muchos canales, una sola línea.",
  key: "Clave de la API", keyAsk: "Para mostrar personas, esta página necesita una clave de la API con el permiso «read». Se queda en esta pestaña.",
  keyHow: "kinline up muestra una; kinline key create hace otra.", open: "Abrir", forget: "Olvidar la clave",
  api: "API", people: "Personas", search: "Nombre, dirección o id", nobody: "Todavía no hay nadie.", noneFound: "Nadie se llama así.",
  choose: "Elija a alguien y vea su vida con ustedes en una sola línea.", more: "Mostrar más", back: "Todas las personas",
  loading: "Un momento …", retry: "Otra vez", close: "Cerrar",
  knownAs: "Se le conoce por", verified: "probado", claimed: "sin probar", inferred: "deducido",
  claimedWhy: "Alguien escribió este nombre o dirección. Nada prueba que fuera esta persona, así que no mueve nada.",
  kinds: { message: "escribió", comment: "comentó", mention: "nos mencionó", post: "publicó", article: "publicó", share: "compartió algo nuestro",
    quote: "citó", reaction: "marcó algo nuestro con «me gusta»", follow: "empezó a seguirnos", review: "opinó", check_in: "estuvo allí", call: "llamó",
    visit: "vino", event: "participó", app_event: "hizo algo", letter: "mandó una carta", order: "hizo un pedido", page_view: "miró una página", note: "anotó", unknown: "hizo algo" },
  us: "Nosotros", to: "a", somebody: "alguien", deleted: "Borrado en su origen.", edited: "editado", automatic: "automático", seeThere: "verlo allí",
  wholeText: "Mostrar todo", code: "código de un solo uso", why: "¿Por qué se envió?", whyMove: "¿Por qué?", held: "No enviado",
  states: { pending: "en espera", sending: "enviándose", sent: "enviado", failed: "falló", unknown: "nadie sabe si llegó", cancelled: "contenido", expired: "tarde", open: "abierta", done: "hecha" },
  tracks: { business: "Negocio", relationship: "Relación" },
  stages: { none: "ninguna", prospect: "interesado", lead: "posible cliente", customer: "cliente", loyal: "cliente fiel", lapsing: "se aleja", lapsed: "se fue", stranger: "desconocido", fan: "seguidor", advocate: "embajador" },
  becomes: (stage) => ["pasa a ", stage], still: (stage) => ["también aquí era ", stage, ", antes de saber que es la misma persona"],
  joined: "Resultó ser la misma persona", undone: "deshecho",
  proofs: { "one-time link": (m) => ["Un código de un solo uso enviado a ", m.one, " volvió desde ", m.other, "."],
    "signed assertion": (m) => [m.source, " firmó que ", m.one, " y ", m.other, " son una persona."] },
  byHand: (m) => [m.by, " dijo que ", m.one, " y ", m.other, " son una persona."],
  silence: { us: (time) => `${time}, y nadie de nosotros contestó`, them: (time) => `${time} sin señales suyas`, anyone: (time) => `${time} de silencio` },
  happened: "Lo que pasó", missed: "Lo que no pasó", relied: "En qué se apoyó", did: "Lo que hicimos", wrote: "Quién lo escribió",
  lookedFor: { us: "Buscamos cualquier cosa que uno de nosotros hiciera por esa persona.", them: "Buscamos cualquier cosa que hiciera.", anyone: "Buscamos cualquier cosa que hiciera quien fuera." },
  nothing: "No hubo nada.", readBusiness: "Etapa comercial en ese momento", readRelationship: "Relación en ese momento",
  verdicts: { fired: "saltó", skipped: "se contuvo", shadowed: "en sombra: no hizo nada" }, version: (number) => `versión ${number}`,
  task: "Tarea para", message: "Mensaje a", reason: "Razón anotada", hidden: "Usted no puede leer lo que decía.", unproved: "Alguien solo dice ser esta persona.",
  classes: { human: "a mano", service: "servicio", transactional: "sobre lo suyo", marketing: "comercial" },
  paragraph: "En un párrafo", byHandTitle: (by) => `${by} lo escribió a mano.`, attempt: (number) => `intento ${number}`,
  units: { day: ["día", "días"], hour: ["hora", "horas"], minute: ["minuto", "minutos"] },
};

export const language = (navigator.language || "en").toLowerCase().startsWith("es") ? "es" : "en";
export const t = language === "es" ? SPANISH : ENGLISH;
/** How dates are written: the reader's own way where it is their own language, else the page's. */
const locale = (navigator.language || "en").toLowerCase().startsWith(language) ? navigator.language : language === "es" ? "es" : "en-GB";

const DAY = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const TIME = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
const SHORT = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" });

export const day = (at) => DAY.format(new Date(at));
export const time = (at) => TIME.format(new Date(at));
export const dayAndTime = (at) => `${SHORT.format(new Date(at))}, ${time(at)}`;

/** How long from one moment to another, in the largest whole unit. */
export function duration(since, until) {
  const minutes = Math.max(1, Math.round((new Date(until) - new Date(since)) / 60000));
  for (const [unit, length] of [["day", 1440], ["hour", 60], ["minute", 1]]) {
    if (minutes >= length) {
      const count = Math.round(minutes / length);
      return `${count} ${t.units[unit][count === 1 ? 0 : 1]}`;
    }
  }
  return "";
}

/** A handle as people say it: the address alone, the id with who gave it. */
export function spoken(handle) {
  const [kind, ...rest] = (handle || "").split(":");
  const value = rest.join(":");
  if (kind === "x_id") return `X ${value}`;
  if (kind === "x_handle") return `@${value}`;
  if (kind !== "external") return value || handle || "…";
  const slash = value.lastIndexOf("/");
  const [system, host] = value.slice(0, slash).split(":");
  return [system, value.slice(slash + 1), host && `· ${host}`].filter(Boolean).join(" ");
}
