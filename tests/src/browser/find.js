// Returns the visible element with a role and the accessible name `name`, for the roles that tests use.
const [role, name] = arguments;
const candidates = {
  button: "button, [role=button], summary",
  checkbox: "input[type=checkbox], [role=checkbox], [role=switch]",
  heading: "h1, h2, h3, [role=heading]",
  img: "canvas[role=img], svg[role=img], img, [role=img]",
  link: "a[href]",
  list: "ul, ol, [role=list], [role=log]",
  radio: "input[type=radio], [role=radio], [role=tab]",
  status: "[role=status], output",
  textbox: "input:not([type=checkbox]):not([type=radio]), textarea",
};
const text = (element) => (element?.textContent ?? "").replace(/\s+/g, " ").trim();
const labelled = (element) =>
  (element.getAttribute("aria-labelledby") ?? "")
    .split(" ")
    .map((id) => text(document.getElementById(id)))
    .join(" ")
    .trim();
const labels = (element) => [...(element.labels ?? [])].map(text).join(" ").trim();
const named = (element) =>
  element.getAttribute("aria-label") || labelled(element) || labels(element) || text(element);
const found = [...document.querySelectorAll(candidates[role])];
return found.find((element) => named(element) === name && element.checkVisibility()) ?? null;
