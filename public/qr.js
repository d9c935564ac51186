// The QR code of this page's address, which leads a phone to the page. Fetched on first use (app/src/shell/head.js). The
// server makes the code (server/src/http/qr_code.rs), so that the pages need no program for it.

const TEXTS = {
  en: {
    title: "This page on a phone",
    code: "QR code of this address",
    hint: "Point the phone’s camera at the code.",
    local:
      "This address is only for this machine. For other devices, start Carillon with --listen and an address of the network, or with --public-url.",
    failed: "The server does not answer.",
    close: "Close",
  },
  ko: {
    title: "휴대전화에서 이 페이지 열기",
    code: "이 주소의 QR 코드",
    hint: "휴대전화 카메라로 코드를 비추세요.",
    local:
      "이 주소는 이 컴퓨터에서만 열립니다. 다른 기기에서 열려면 네트워크 주소를 지정한 --listen 옵션이나 --public-url 옵션으로 Carillon을 시작하세요.",
    failed: "서버가 응답하지 않습니다.",
    close: "닫기",
  },
};

// Opens the code of the page that is shown now.
export async function open() {
  if (document.querySelector("dialog[open]")) return;
  const texts = TEXTS[document.documentElement.lang] ?? TEXTS.en;
  const dialog = document.createElement("dialog");
  dialog.className = "qr";
  dialog.setAttribute("aria-label", texts.title);
  dialog.addEventListener("close", () => dialog.remove());
  // A click on the backdrop hits the dialog itself.
  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
  const code = add("div", "qr-code");
  const address = add("p", "qr-address");
  address.translate = false;
  const hint = add("p", "hint");
  hint.setAttribute("role", "status");
  const close = add("button", "");
  close.type = "button";
  close.textContent = texts.close;
  close.addEventListener("click", () => dialog.close());
  const heading = document.createElement("h2");
  heading.textContent = texts.title;
  dialog.append(heading, code, address, hint, close);
  document.body.append(dialog);
  dialog.showModal();
  try {
    const svg = await load();
    svg.setAttribute("aria-label", texts.code);
    const text = svg.querySelector("title").textContent;
    code.append(svg);
    address.textContent = text;
    hint.textContent = isLocal(new URL(text).hostname) ? texts.local : texts.hint;
  } catch {
    hint.textContent = texts.failed;
  }
}

// Returns the code as an element. Its path is relative to the root of the site.
async function load() {
  const path = location.href.slice(ROOT.href.length);
  const answer = await fetch(new URL(`qr.svg?path=${encodeURIComponent(path)}`, ROOT), { cache: "no-store" });
  if (!answer.ok) throw new Error(answer.statusText);
  const parsed = new DOMParser().parseFromString(await answer.text(), "image/svg+xml");
  return document.importNode(parsed.documentElement, true);
}

function isLocal(host) {
  return host === "localhost" || host.endsWith(".localhost") || host.startsWith("127.") || host === "[::1]";
}

function add(tag, kind) {
  const made = document.createElement(tag);
  made.className = kind;
  return made;
}

const ROOT = new URL(".", import.meta.url);
