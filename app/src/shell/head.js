// Applies the reader's theme before the first paint, and loads keys.js and qr.js when they are needed first. This script
// is part of the document, because a file would delay the first paint.
(() => {
  const html = document.documentElement;
  const THEME = "carillon.theme";
  const YEAR_S = 31536000;
  const root = new URL(".", document.baseURI);
  // Storage may be forbidden; then the theme is that of the system.
  const kept = (name) => {
    try {
      return localStorage.getItem(name);
    } catch {
      return null;
    }
  };
  const keep = (theme) => {
    try {
      localStorage.setItem(THEME, theme);
    } catch {}
  };
  const applyTheme = () => {
    const theme = kept(THEME);
    const isChosen = theme === "light" || theme === "dark";
    // For documents without scripts, such as the one to sign in. Without a choice the cookie ends.
    document.cookie = `theme=${theme}; path=${root.pathname}; max-age=${isChosen ? YEAR_S : 0}; samesite=lax`;
    if (isChosen) html.dataset.theme = theme;
    else delete html.dataset.theme;
    for (const colour of document.querySelectorAll("meta[data-scheme]")) {
      const { scheme } = colour.dataset;
      const isShown = scheme === theme ? "all" : "not all";
      colour.media = isChosen ? isShown : `(prefers-color-scheme: ${scheme})`;
    }
    for (const choice of document.querySelectorAll("input[name=theme]")) {
      choice.checked = choice.value === (isChosen ? theme : "system");
    }
    // Canvases draw themselves again.
    dispatchEvent(new Event("themechange"));
  };
  html.dataset.scripts = "";
  applyTheme();
  addEventListener("DOMContentLoaded", applyTheme);
  addEventListener("storage", applyTheme);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", applyTheme);
  addEventListener("change", ({ target }) => {
    if (target.name !== "theme") return;
    keep(target.value);
    applyTheme();
  });

  // The server's answer to the form would be the page without its place.
  addEventListener("submit", (event) => {
    const { target, submitter } = event;
    if (target.className !== "language") return;
    event.preventDefault();
    document.cookie = `language=${submitter.value}; path=${root.pathname}; max-age=${YEAR_S}; samesite=lax`;
    location.reload();
  });

  const open = (what) => {
    const file = what === "qr" ? "qr.js" : "keys.js";
    import(new URL(file, root)).then((loaded) => loaded.open(what), console.error);
  };
  addEventListener("click", ({ target }) => {
    const button = target.closest?.("button[data-open]");
    if (button) open(button.dataset.open);
  });
  // Controls of the page name their key in `aria-keyshortcuts`. The list of keys can turn keys without Ctrl off.
  const shortcut = (key) => {
    if (key === "?") return () => open("keys");
    const controls = [...document.querySelectorAll("main [aria-keyshortcuts]")];
    const own = controls.find((one) => one.getAttribute("aria-keyshortcuts") === key && one.checkVisibility());
    return own && (() => (own.focus(), own.matches("button, a") && own.click()));
  };
  addEventListener("keydown", (event) => {
    const { key, target, ctrlKey, metaKey, altKey } = event;
    if (event.defaultPrevented || event.isComposing || altKey) return;
    if ((ctrlKey || metaKey) && key.toLowerCase() === "k") {
      event.preventDefault();
      open("palette");
      return;
    }
    const isTyping = target.matches?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
    if (isTyping || ctrlKey || metaKey || kept("carillon.keys") === "off") return;
    const act = key.length === 1 && !document.querySelector("dialog[open]") && shortcut(key);
    if (!act) return;
    event.preventDefault();
    act();
  });
})();
