"use strict";
// The token is in the fragment, which browsers do not send: opening the link,
// as mail scanners do, uses nothing up. Only the button does.
const says = document.getElementById("says");
const button = document.getElementById("confirm");
const password = document.getElementById("password");
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

document.getElementById("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  says.textContent = "Confirming…";
  try {
    const response = await fetch("/api/emails/confirm", {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify({ token, currentPassword: password.value }),
    });
    const answer = await response.json();
    if (response.ok) {
      says.textContent = `${answer.email} is confirmed.`;
      document.getElementById("form").hidden = true;
    } else if (/^CURRENT_PASSWORD_/.test(answer.code)) {
      // Whoever signed up knows it; a stranger may have, with this address.
      const isAsked = answer.code === "CURRENT_PASSWORD_REQUIRED";
      says.textContent = isAsked
        ? "Type the password that you signed up with. If you did not sign up, close this page."
        : "That is not the password that was signed up with.";
      document.getElementById("asked").hidden = false;
      button.disabled = false;
      password.focus();
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
