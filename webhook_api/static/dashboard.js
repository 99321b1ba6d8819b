// Keeps the page fresh and sends decisions by hand; needs nothing from outside.
"use strict";

const REFRESH_MS = 5000;
const live = document.getElementById("live");
const fresh = document.getElementById("fresh");
const dialog = document.getElementById("decide");
const form = document.getElementById("decide-form");
const problem = document.getElementById("decide-problem");
const TITLES = { approved: "Approve", rejected: "Reject", reopen: "Reopen the review", undo: "Undo the approval" };
let chosen = null;

async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok) throw new Error(`answered ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const scrolled = [...live.querySelectorAll(".scroll")].map((box) => box.scrollLeft);
    live.replaceChildren(...page.getElementById("live").childNodes);
    live.querySelectorAll(".scroll").forEach((box, i) => { box.scrollLeft = scrolled[i] || 0; });
    fresh.textContent = page.getElementById("fresh").textContent;
    fresh.dataset.state = "live";
  } catch (error) {
    fresh.dataset.state = "lost";
    fresh.textContent = "PostFlow does not answer; this page is old";
  }
}

live.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-verdict]");
  if (!button) return;
  const { upload, version, name } = button.parentElement.dataset;
  chosen = { upload, version: Number(version), verdict: button.dataset.verdict };
  document.getElementById("decide-title").textContent = TITLES[chosen.verdict];
  document.getElementById("decide-about").textContent = `${name}, version ${version}`;
  document.getElementById("decide-submit").textContent = TITLES[chosen.verdict];
  document.getElementById("decide-submit").className = chosen.verdict;
  problem.hidden = true;
  form.reset();
  form.elements.by.value = localStorage.getItem("postflow-name") || "";
  dialog.showModal();
});

document.getElementById("decide-cancel").addEventListener("click", () => dialog.close());

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const by = form.elements.by.value.trim();
  localStorage.setItem("postflow-name", by);
  const { upload, version, verdict } = chosen;
  try {
    const answer = await fetch(`/api/uploads/${encodeURIComponent(upload)}/decision`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ verdict, version, by, reason: form.elements.reason.value }),
    });
    if (!answer.ok) throw new Error((await answer.json()).detail);
    dialog.close();
    await refresh();
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
  }
});

setInterval(refresh, REFRESH_MS);
document.addEventListener("visibilitychange", refresh);
