// Asking the hub. The key stays in this tab, goes into a header, and never into an address.

const PLACE = "kinline-key";

export const key = () => sessionStorage.getItem(PLACE) || "";
export const keep = (text) => sessionStorage.setItem(PLACE, text.trim());
export const forget = () => sessionStorage.removeItem(PLACE);

/** What the hub said instead of an answer: its status, and words for people. */
export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** GET a path of the API, with its query. Raises `Refused`. */
export async function ask(path, query = {}) {
  const given = new URLSearchParams(Object.entries(query).filter(([, value]) => value));
  const answer = await fetch(given.size ? `${path}?${given}` : path, { headers: { Authorization: `Bearer ${key()}` } });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, body.detail || `${answer.status} ${answer.statusText}`);
  return body;
}

/**
 * `#key=…` in the address gives a key once, and is taken out of the address before anything else happens.
 * `#key=…&at=/people/ID` opens that place with it.
 */
export function takeKeyFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  if (!given.get("key")) return;
  keep(given.get("key"));
  const at = given.get("at") || "/";
  history.replaceState(null, "", `${location.pathname}#${at.startsWith("/") ? at : "/"}`);
}
