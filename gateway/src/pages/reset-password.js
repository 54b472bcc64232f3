"use strict";
// The token is in the fragment, which browsers do not send: opening the link,
// as mail scanners do, uses nothing up. Only sending a password does.
const says = document.getElementById("says");
const request = document.getElementById("request");
const reset = document.getElementById("reset");
const password = document.getElementById("password");
let token = null;

// Called again when another link is opened in the same tab.
function readToken() {
  token = new URLSearchParams(location.hash.slice(1)).get("token") ?? token;
  history.replaceState(null, "", location.pathname);
  request.hidden = Boolean(token);
  reset.hidden = !token;
  says.textContent = token ? "All devices will be signed out." : "You get a letter with a link.";
}

addEventListener("hashchange", () => {
  if (location.hash) readToken();
});
readToken();

document.getElementById("show").addEventListener("change", (event) => {
  password.type = event.target.checked ? "text" : "password";
});

async function send(form, path, body, done) {
  const button = form.querySelector("button");
  button.disabled = true;
  says.textContent = "One moment…";
  try {
    const response = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify(body),
    });
    // What is done has no body.
    const answer = response.ok ? {} : await response.json();
    form.hidden = response.ok;
    says.textContent = response.ok ? done : answer.detail ?? answer.title ?? "That failed.";
  } catch {
    says.textContent = "The server could not be reached. Try again.";
  }
  button.disabled = false;
}

request.addEventListener("submit", (event) => {
  event.preventDefault();
  const email = document.getElementById("email").value;
  const done = "If there is an account with this address, a letter is under way to it.";
  send(request, "/api/password-resets", { email }, done);
});

reset.addEventListener("submit", (event) => {
  event.preventDefault();
  const done = "The password is changed. Sign in with it.";
  send(reset, "/api/password-resets/confirm", { token, password: password.value }, done);
});
