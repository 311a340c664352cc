// The desk's own script: it makes pages quicker to use, none of them needs it.
"use strict";

// ── Forgery token: htmx requests carry it as a header ────────────────────────
document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRF-Token"] = document.body.dataset.csrf || "";
});

// ── Questions before what cannot be taken back: <form data-ask="…"> ──────────
document.addEventListener("submit", (event) => {
  const words = event.target.dataset.ask;
  if (words && !window.confirm(words)) event.preventDefault();
});

// ── Shown once: <output data-hide-after="60"> empties itself ─────────────────
for (const shown of document.querySelectorAll("[data-hide-after]")) {
  window.setTimeout(() => { shown.textContent = "hidden again"; }, 1000 * Number(shown.dataset.hideAfter));
}

// ── Queue, case and bulk pages append below ──────────────────────────────────
(() => {
  const help = document.getElementById("help");
  if (!help) return;
  const keys = JSON.parse(document.body.dataset.keys || "{}");
  // The help is the whole truth: only what it lists is bound.
  const bound = new Map([...help.querySelectorAll("[data-bound]")].map((line) => [keys[line.dataset.bound], line.dataset.bound]));
  const items = () => [...document.querySelectorAll("[data-item]")];
  const current = () => document.querySelector("[data-item].current");
  const typing = (spot) => spot.matches("textarea, select, input:not([type=radio], [type=checkbox])");

  function move(step) {
    const all = items();
    if (!all.length) return;
    const at = all.indexOf(current());
    const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
    for (const one of all) one.classList.toggle("current", one === next);
    next.querySelector("[data-open]")?.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }

  function choose(radio) {
    radio.checked = true;
    radio.dispatchEvent(new Event("change", { bubbles: true }));
    if (radio.value === "skip") return radio.form.requestSubmit();
    const label = radio.form.elements.label;
    const reason = radio.form.querySelector("[name=reason_code]:checked") || radio.form.querySelector("[name=reason_code]");
    (radio.value === "relabel" && label ? label : reason || radio).focus();
  }

  const does = {
    next: () => move(1),
    previous: () => move(-1),
    select: () => current()?.querySelector("[data-pick]")?.click(),
    open: () => current()?.querySelector("[data-open]")?.click(),
    help: () => help.showModal(),
    search: () => { const box = document.querySelector("[data-action=search]"); box?.focus(); box?.select(); },
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open || typing(event.target)) return;
    const action = bound.get(event.key);
    if (!action) return;
    // Enter belongs to what has the focus: a link opens, a form is sent.
    if (event.key === "Enter" && event.target !== document.body) return;
    event.preventDefault();
    const spot = document.querySelector(`[data-action="${action}"]`);
    if (does[action]) does[action]();
    else if (spot?.matches("input[type=radio]")) choose(spot);
    else spot?.click();
  });

  for (const button of document.querySelectorAll("[data-help]")) {
    button.hidden = false;
    button.addEventListener("click", does.help);
  }

  // A judgement proposes its usual reason until somebody picks one.
  let picked = Boolean(document.querySelector("[name=reason_code]:checked"));
  document.addEventListener("change", (event) => {
    if (event.target.name === "reason_code") picked = true;
    if (event.target.name !== "judgement" || picked) return;
    const usual = [...document.querySelectorAll("[name=reason_code]")].find((one) => one.value === event.target.dataset.reason);
    if (usual) usual.checked = true;
  });

  // What is selected is said in words.
  function count() {
    const n = document.querySelectorAll("[data-pick]:checked").length;
    const bar = document.querySelector("[data-selected]");
    if (bar && n) bar.textContent = `${n} selected`;
    const note = document.querySelector("[data-rows-note]");
    if (note) note.textContent = n ? `; but only the ${n} selected below are decided` : "";
  }
  document.addEventListener("change", (event) => { if (event.target.matches("[data-pick]")) count(); });
  count();

  // An opened row closes where it was opened.
  for (const link of document.querySelectorAll("[data-open][aria-controls]")) {
    if (!link.hasAttribute("aria-expanded")) link.setAttribute("aria-expanded", "false");
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-open][aria-controls]");
    const spot = link && document.getElementById(link.getAttribute("aria-controls"));
    if (!spot?.childElementCount || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    spot.hidden = !spot.hidden;
    link.setAttribute("aria-expanded", String(!spot.hidden));
  }, true);
  document.addEventListener("htmx:afterSwap", (event) => {
    document.querySelector(`[aria-controls="${event.detail.target.id}"]`)?.setAttribute("aria-expanded", "true");
  });
})();
