// Making elements. Whatever came from outside goes in as text: nothing here reads markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes, listeners (`onclick: fn`) and children; strings become text. */
export function el(name, given = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : String(value));
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return made;
}

/** A link out, for addresses of the web only. A text may claim any address, also `javascript:`. */
export function linkOut(address, text) {
  return /^https?:\/\//i.test(address || "") ? el("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, text) : null;
}

const DRAWINGS = {
  email: ["M3 6.5h18v11H3z", "M3 7l9 6.5L21 7"],
  twitter: ["M5 4.5l14 15", "M19 4.5l-14 15"],
  blog: ["M4 5h16v11H11l-5 4v-4H4z"],
  support: ["M12 4a8 8 0 1 0 0 16a8 8 0 1 0 0-16", "M12 9a3 3 0 1 0 0 6a3 3 0 1 0 0-6", "M6.5 6.5l3.3 3.3M14.2 14.2l3.3 3.3M17.5 6.5l-3.3 3.3M9.8 14.2l-3.3 3.3"],
  order: ["M4 5h2.5l2 10h9l2-7H7.2", "M10 19.2v.1M16.5 19.2v.1"],
  stage: ["M6 21V4h11l-2.5 4L17 12H6"],
  merge: ["M9.5 14.5l5-5", "M11 7.5l2-2a3.9 3.9 0 0 1 5.5 5.5l-2 2", "M13 16.5l-2 2a3.9 3.9 0 0 1-5.5-5.5l2-2"],
  held: ["M12 4a8 8 0 1 0 0 16a8 8 0 1 0 0-16", "M9.5 9v6M14.5 9v6"],
  other: ["M12 8a4 4 0 1 0 0 8a4 4 0 1 0 0-8"],
};

/** A small drawing in one line width. */
export function icon(name) {
  const drawn = document.createElementNS(SVG, "svg");
  drawn.setAttribute("viewBox", "0 0 24 24");
  drawn.setAttribute("aria-hidden", "true");
  for (const path of DRAWINGS[name] || DRAWINGS.other) {
    const line = document.createElementNS(SVG, "path");
    line.setAttribute("d", path);
    drawn.append(line);
  }
  return drawn;
}
