"use strict";
// Another site sent the browser here. What it brought along is good once and in
// this browser only; it leaves the address bar and the history before it is used.
const says = document.getElementById("says");
const form = document.getElementById("second-factor");
const button = document.getElementById("passkey");
const brought = new URLSearchParams(location.search);
const site = location.pathname.split("/").at(-1);
history.replaceState(null, "", location.pathname);

// A path of this site, or its root: whatever else stands there leads nowhere.
function target(path) {
  const url = new URL(path || "/", location.origin);
  return url.origin === location.origin && !/^\/[/\\]/.test(path) ? url.href : "/";
}

async function finish() {
  const state = brought.get("state") ?? "";
  const own = state.startsWith("link.") ? "/api/users/me/providers" : "/api/providers";
  const body = { state };
  for (const name of ["code", "iss", "error"]) {
    if (brought.get(name)) body[name] = brought.get(name);
  }
  try {
    const { ok, answer } = await post(`${own}/${encodeURIComponent(site)}/finish`, body);
    if (ok) {
      says.textContent = "Done.";
      location.replace(target(answer.returnPath));
    } else if (answer.code === "SECOND_FACTOR_REQUIRED") {
      askForSecond(answer);
    } else {
      says.textContent = answer.detail ?? answer.title ?? "Signing in failed.";
    }
  } catch {
    says.textContent = "The server could not be reached. Begin again.";
  }
}

async function post(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(body),
  });
  return { ok: response.ok, answer: await response.json() };
}

// The other site vouched for who this is; the account asks for more.
function askForSecond({ challenge, methods }) {
  says.textContent = "One step more: show your second factor.";
  form.hidden = !methods.some((method) => ["totp", "recovery_code"].includes(method));
  button.hidden = !methods.includes("passkey");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const typed = document.getElementById("code").value.trim();
    const isCode = /^[0-9]{6}$/.test(typed.replaceAll(" ", ""));
    show(isCode ? { challenge, code: typed.replaceAll(" ", "") } : { challenge, recoveryCode: typed });
  });
  button.addEventListener("click", async () => {
    try {
      const { ok, answer } = await post("/api/sessions/passkey/begin", { challenge });
      if (!ok) throw new Error(answer.detail);
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(answer.options);
      const shown = await navigator.credentials.get({ publicKey });
      show({ challenge, passkey: shown.toJSON() });
    } catch (error) {
      says.textContent = error.message || "The passkey could not be used.";
    }
  });
}

async function show(body) {
  try {
    const { ok, answer } = await post("/api/sessions/second-factor", body);
    says.textContent = ok ? "Done." : answer.detail ?? answer.title ?? "Signing in failed.";
    if (ok) location.replace("/");
  } catch {
    says.textContent = "The server could not be reached. Try again.";
  }
}

if (brought.has("state")) {
  finish();
} else {
  says.textContent = "Nothing was brought back from the other site. Begin again.";
}
