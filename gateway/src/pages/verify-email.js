"use strict";
// The token is in the fragment, which browsers do not send: opening the link,
// as mail scanners do, uses nothing up. Only the button does.
const says = document.getElementById("says");
const button = document.getElementById("confirm");
let token = null;

// Called again when another link is opened in the same tab.
function readToken() {
  token = new URLSearchParams(location.hash.slice(1)).get("token") ?? token;
  history.replaceState(null, "", location.pathname);
  button.hidden = false;
  button.disabled = !token;
  if (token) {
    says.textContent = "";
    button.focus();
  } else {
    says.textContent = "There is no token in this link. Open the one in the letter.";
  }
}

addEventListener("hashchange", () => {
  if (location.hash) readToken();
});
readToken();

button.addEventListener("click", async () => {
  button.disabled = true;
  says.textContent = "Confirming…";
  try {
    const response = await fetch("/api/emails/confirm", {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify({ token }),
    });
    const answer = await response.json();
    if (response.ok) {
      says.textContent = `${answer.email} is confirmed.`;
      button.hidden = true;
    } else {
      says.textContent = answer.detail ?? answer.title ?? "Confirming failed.";
      // What did not take effect can be tried again.
      button.disabled = response.status < 500 && response.status !== 429;
    }
  } catch {
    says.textContent = "The server could not be reached. Try again.";
    button.disabled = false;
  }
});
