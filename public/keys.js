// The palette, which goes to any page, topic, queue or action (Ctrl-K), and the list of keys (?). Fetched on first use
// (app/src/shell/head.js), so that pages do not load it. Plain JavaScript, because it serves the pages of both WASM
// modules and also works when none of them could be loaded.

// The texts of this script and the pages, in the language of the document (app/src/shell/palette.rs). Paths are relative to the
// root of the site.
const TEXTS = JSON.parse(document.getElementById("palette-texts").textContent);

const filled = (text, value) => text.replace("{}", value);

const GENERAL_KEYS = [
  ["Ctrl K", TEXTS.keyPalette],
  ["?", TEXTS.keyList],
  ["Tab, Shift Tab", TEXTS.keyTab],
  ["Enter, Space", TEXTS.keyPress],
  [TEXTS.arrowKeys, TEXTS.keyArrows],
  ["Esc", TEXTS.keyEscape],
];

// Opens the palette or the list of keys.
export function open(what) {
  const shown = document.querySelector("dialog.palette[open], dialog.keys[open]");
  if (shown) {
    shown.close();
    if (shown.classList.contains(what)) return;
  }
  // A dialog of the page stays alone: the reader answers it first.
  if (document.querySelector("dialog[open]")) return;
  what === "keys" ? openKeys() : openPalette();
}

function openDialog(kind, title) {
  const dialog = element("dialog", { class: kind, "aria-label": title });
  dialog.addEventListener("close", () => dialog.remove());
  // A click on the backdrop hits the dialog itself.
  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
  document.body.append(dialog);
  return dialog;
}

function openKeys() {
  const dialog = openDialog("keys", TEXTS.keys);
  const list = element("dl");
  for (const [keys, meaning] of [...GENERAL_KEYS, ...keysOfPage()]) {
    const term = element("dt");
    keys.split(", ").forEach((key) => term.append(element("kbd", {}, key), " "));
    const row = element("div");
    row.append(term, element("dd", {}, meaning));
    list.append(row);
  }
  const close = element("button", { type: "button" }, TEXTS.close);
  close.addEventListener("click", () => dialog.close());
  const foot = element("div", { class: "foot-row" });
  foot.append(singleKeys(), close);
  dialog.append(element("h2", {}, TEXTS.keys), list, foot);
  dialog.showModal();
}

// A reader who speaks to the computer, or who hits keys by accident, turns single keys off (WCAG 2.1.4).
function singleKeys() {
  const label = element("label", { class: "switch" });
  const box = element("input", { type: "checkbox", role: "switch" });
  label.append(box, element("span", {}, TEXTS.singleKeys));
  try {
    box.checked = localStorage.getItem(KEYS) !== "off";
    box.addEventListener("change", () => localStorage.setItem(KEYS, box.checked ? "on" : "off"));
  } catch {
    // Without storage the keys stay on.
    label.hidden = true;
  }
  return label;
}

// Controls of the page name their keys in `aria-keyshortcuts`.
function keysOfPage() {
  const controls = [...document.querySelectorAll("main [aria-keyshortcuts]")].filter(isVisible);
  return controls.map((control) => [control.getAttribute("aria-keyshortcuts").replaceAll("+", " "), nameOf(control)]);
}

function openPalette() {
  const actions = actionsOfPage();
  const dialog = openDialog("palette", TEXTS.palette);
  const input = element("input", {
    type: "text",
    role: "combobox",
    autocomplete: "off",
    spellcheck: "false",
    "aria-label": TEXTS.field,
    "aria-autocomplete": "list",
    "aria-expanded": "true",
    "aria-controls": "palette-list",
    placeholder: TEXTS.field,
  });
  const list = element("div", { id: "palette-list", role: "listbox", "aria-label": TEXTS.palette });
  const status = element("p", { role: "status" });
  dialog.append(input, list, status);

  let options = [];
  let chosen = 0;
  let search = 0;
  let request = new AbortController();
  const choose = (index) => {
    chosen = Math.max(0, Math.min(index, options.length - 1));
    [...list.children].forEach((row, place) => row.setAttribute("aria-selected", String(place === chosen)));
    const row = list.children[chosen];
    row?.scrollIntoView({ block: "nearest" });
    row ? input.setAttribute("aria-activedescendant", row.id) : input.removeAttribute("aria-activedescendant");
  };
  const draw = (entries, note) => {
    options = entries.slice(0, MOST_SHOWN);
    list.replaceChildren(...options.map(rowOf));
    status.textContent = note || foundWords(options.length);
    choose(chosen);
  };
  const take = (index) => {
    const option = options[index];
    if (!option) return;
    dialog.close();
    option.take();
  };
  const find = async () => {
    const query = input.value.trim();
    const fixed = matching([...pages(), ...actions], query);
    chosen = 0;
    draw(fixed, "");
    request.abort();
    request = new AbortController();
    try {
      const [topics, queues] = await Promise.all([names("topics", query, request), names("queues", query, request)]);
      const refused = topics.status === 403 && queues.status === 403;
      const note = topics.status === 401 ? TEXTS.signedOut : refused ? TEXTS.refused : "";
      const listed = [...listedAs("topic", topics.names), ...listedAs("queue", queues.names)];
      draw([...fixed, ...listed, ...unlisted(query, topics.names, queues.names)], note);
    } catch (error) {
      if (error.name !== "AbortError") draw(fixed, TEXTS.away);
    }
  };

  input.addEventListener("input", () => {
    clearTimeout(search);
    search = setTimeout(find, SEARCH_DELAY_MS);
  });
  input.addEventListener("keydown", (event) => {
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    if (event.key in steps) choose(chosen + steps[event.key]);
    else if (event.key === "Enter" && !event.isComposing) take(chosen);
    else return;
    event.preventDefault();
  });
  list.addEventListener("click", ({ target }) => take([...list.children].indexOf(target.closest("[role=option]"))));
  dialog.addEventListener("close", () => {
    clearTimeout(search);
    request.abort();
  });
  dialog.showModal();
  input.focus();
  find();
}

function foundWords(count) {
  if (count === 0) return TEXTS.nothing;
  return count === 1 ? TEXTS.foundOne : filled(TEXTS.found, count);
}

function rowOf({ label, kind }, index) {
  const row = element("div", { role: "option", id: `palette-${index}`, "aria-selected": "false" });
  row.append(element("span", { translate: kind === "topic" || kind === "queue" ? "no" : "yes" }, label), " ");
  row.append(element("small", {}, TEXTS[kind]));
  return row;
}

function pages() {
  return TEXTS.pages.map(([path, label]) => ({ label, kind: "page", take: () => go(path) }));
}

// The actions of the page: its visible buttons outside of lists, the themes, the other languages, and signing out.
function actionsOfPage() {
  const action = (label, take) => ({ label, kind: "action", take });
  const buttons = [...document.querySelectorAll("main button")].filter(isVisible);
  const own = buttons.filter((button) => !button.disabled && !button.closest("li, td, tr, dialog"));
  const themes = [...document.querySelectorAll("input[name=theme]")];
  const languages = [...document.querySelectorAll(".language [aria-pressed=false]")];
  const signOut = document.querySelector(".signed-in button");
  return [
    ...own.map((button) => action(nameOf(button), () => button.click())),
    ...themes.map((theme) => action(filled(TEXTS.theme, nameOf(theme.labels[0])), () => theme.click())),
    ...languages.map((button) => action(filled(TEXTS.language, nameOf(button)), () => button.click())),
    action(TEXTS.showKeys, () => open("keys")),
    ...(signOut ? [action(TEXTS.signOut, () => signOut.click())] : []),
  ];
}

// Returns the names that contain the query. The broker's filter covers the levels that are complete in the query; the rest
// is compared here, among at most as many names as the broker lists at once.
async function names(kind, query, { signal }) {
  const levels = query.slice(0, query.lastIndexOf(".") + 1);
  const isFilter = /[*>]/.test(query);
  const filter = isFilter ? query : `${levels}>`;
  const address = new URL(`api/${kind}?filter=${encodeURIComponent(filter)}&limit=1000`, ROOT);
  const answer = await fetch(address, { signal, cache: "no-store" });
  if (!answer.ok) return { status: answer.status, names: [] };
  const found = (await answer.json())[kind].map(({ name }) => name);
  const wanted = query.toLowerCase();
  const matches = found.filter((name) => isFilter || name.toLowerCase().includes(wanted));
  return { status: answer.status, names: matches };
}

function listedAs(kind, found) {
  return found.slice(0, MOST_NAMES).map((name) => destination(kind, name));
}

// A name that is not listed can be opened as well: it may be created at any time, or be beyond the list.
function unlisted(query, topics, queues) {
  if (query === "" || /[\s*>]/.test(query)) return [];
  const isNew = { topic: !topics.includes(query), queue: !queues.includes(query) };
  return ["topic", "queue"].filter((kind) => isNew[kind]).map((kind) => destination(kind, query));
}

function destination(kind, name) {
  return { label: name, kind, take: () => go(`${kind}s/${encodeURIComponent(name)}`) };
}

function matching(entries, query) {
  const words = query.toLowerCase().split(/\s+/);
  return entries.filter(({ label }) => words.every((word) => label.toLowerCase().includes(word)));
}

// Follows a link as if the reader had clicked it, so that the page's program can stay if it has the other page as well.
function go(path) {
  const link = element("a", { href: path, hidden: "" });
  document.body.append(link);
  link.click();
  link.remove();
}

function isVisible(control) {
  return control.checkVisibility?.() ?? true;
}

function nameOf(control) {
  const name = control.getAttribute("aria-label") || control.labels?.[0]?.textContent || control.textContent;
  return name.replace(/\s+/g, " ").trim();
}

function element(tag, attributes = {}, text = "") {
  const made = document.createElement(tag);
  Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
  made.textContent = text;
  return made;
}

const ROOT = new URL(".", import.meta.url);
// As in head.js.
const KEYS = "carillon.keys";
const SEARCH_DELAY_MS = 120;
const MOST_NAMES = 12;
const MOST_SHOWN = 40;
