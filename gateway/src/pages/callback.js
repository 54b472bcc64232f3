"use strict";
// Another site sent the browser here. What it brought along is good once and in
// this browser only; it leaves the address bar and the history before it is used.
const says = document.getElementById("says");
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
    const response = await fetch(`${own}/${encodeURIComponent(site)}/finish`, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    if (response.ok) {
      says.textContent = "Done.";
      location.replace(target(answer.returnPath));
    } else {
      says.textContent = answer.detail ?? answer.title ?? "Signing in failed.";
    }
  } catch {
    says.textContent = "The server could not be reached. Begin again.";
  }
}

if (brought.has("state")) {
  finish();
} else {
  says.textContent = "Nothing was brought back from the other site. Begin again.";
}
