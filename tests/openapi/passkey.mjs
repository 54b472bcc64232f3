// Makes a passkey in Chromium's virtual authenticator and signs in with it: alone,
// beside a password, and once more within a session. Argument: the gateway's URL.
// Says what went wrong and fails.
import { strict as assert } from "node:assert";
import puppeteer from "puppeteer-core";

const [base] = process.argv.slice(2);
const right = { email: "ann@example.com", password: "correct horse battery" };
const account = { ...right, username: "ann" };

const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(30_000);
  const devtools = await page.createCDPSession();
  await devtools.send("WebAuthn.enable");
  const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  await page.goto(`${base}/docs/errors`);
  await page.evaluate(define);
  const call = (method, path, body) => page.evaluate((...it) => call(...it), method, path, body);
  const expect = async (status, method, path, body) => {
    const answer = await call(method, path, body);
    assert.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };

  const { id } = await expect(201, "POST", "/api/users", account);
  await expect(201, "POST", "/api/sessions", right);
  const added = await page.evaluate(() => addPasskey("Laptop"));
  assert.equal(added.status, 200, JSON.stringify(added.body));
  assert.equal(added.body.recoveryCodes.length, 10);
  const { credentials } = await devtools.send("WebAuthn.getCredentials", { authenticatorId });
  assert.deepEqual(
    credentials.map((it) => [it.isResidentCredential, it.rpId]),
    [[true, "localhost"]],
  );

  await expect(204, "DELETE", "/api/sessions/current");
  await expect(401, "GET", "/api/users/me");
  const alone = await page.evaluate(() => showPasskey("/api/sessions/passkey", {}));
  assert.deepEqual([alone.status, alone.body.user?.id], [200, id], JSON.stringify(alone.body));
  assert.equal((await expect(200, "GET", "/api/users/me")).id, id);
  const again = await page.evaluate(() => showPasskey("/api/sessions/current/reauthenticate", {}));
  assert.equal(again.status, 200, JSON.stringify(again.body));

  await expect(204, "DELETE", "/api/sessions/current");
  const asked = await expect(401, "POST", "/api/sessions", right);
  assert.deepEqual([asked.code, asked.methods], ["SECOND_FACTOR_REQUIRED", ["passkey", "recovery_code"]]);
  const { challenge } = asked;
  const second = (it) => showPasskey("/api/sessions/second-factor", { challenge: it });
  const both = await page.evaluate(second, challenge);
  assert.deepEqual([both.status, both.body.user?.id], [200, id], JSON.stringify(both.body));

  // Whoever is not verified by the authenticator does not get that far.
  await devtools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
  const unverified = await page.evaluate(() =>
    showPasskey("/api/sessions/passkey", {}).catch((error) => error.name),
  );
  assert.equal(unverified, "NotAllowedError");
  assert.equal(await page.evaluate(() => document.cookie), "", "no script sees the cookies");
  console.log("a passkey was made and signed in alone, as a second factor and once more");
} finally {
  await browser.close();
}

/** What a frontend needs; runs in the page. */
function define() {
  window.call = async (method, path, body) => {
    const request = { method, credentials: "same-origin" };
    if (body) {
      request.headers = { "content-type": "application/json" };
      request.body = JSON.stringify(body);
    }
    const answer = await fetch(path, request);
    const text = await answer.text();
    return { status: answer.status, body: text ? JSON.parse(text) : {} };
  };
  window.addPasskey = async (name) => {
    const begun = await call("POST", "/api/users/me/factors/passkeys", {});
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(begun.body.options);
    const credential = await navigator.credentials.create({ publicKey });
    const made = { name, credential: credential.toJSON() };
    return call("POST", "/api/users/me/factors/passkeys/confirm", made);
  };
  window.showPasskey = async (path, more) => {
    const begun = await call("POST", "/api/sessions/passkey/begin", more);
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(begun.body.options);
    const passkey = await navigator.credentials.get({ publicKey });
    return call("POST", path, { ...more, passkey: passkey.toJSON() });
  };
}
