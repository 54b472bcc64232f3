// Signs in with another site in Chromium: from its form to the page that the
// gateway has for the way back. Arguments: the gateway's URL. Says what went wrong.
import { strict as assert } from "node:assert";
import { createHmac } from "node:crypto";
import puppeteer from "puppeteer-core";

const [base] = process.argv.slice(2);
const wrong = [];

/** The code of this moment (RFC 6238). */
function totp(secret) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret].map((it) => alphabet.indexOf(it).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const hash = createHmac("sha1", key).update(step).digest();
  const code = hash.readUInt32BE(hash[19] & 15) & 0x7fffffff;
  return String(code % 1_000_000).padStart(6, "0");
}
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(30_000);
  page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  const seen = [];
  page.on("framenavigated", (frame) => seen.push(frame.url()));
  const referrers = [];
  page.on("request", (request) => {
    if (request.url().startsWith(`${base}/`)) referrers.push(request.headers().referer ?? "");
  });
  await page.evaluateOnNewDocument(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      throw new Error(`policy: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });

  await page.goto(`${base}/sign-in`);
  const visit = await page.evaluate(async () => {
    const response = await fetch("/api/providers/acme/begin", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ returnPath: "/docs/errors?from=acme" }),
    });
    return (await response.json()).authorizationUrl;
  });
  assert.equal(await page.evaluate(() => document.cookie), "", "no script sees the visit");
  await page.goto(visit);
  await page.type("input[name=login]", "carol");
  await page.type("input[name=password]", "any");
  await Promise.all([page.waitForNavigation(), page.click("button[type=submit]")]);
  await page.click("button[type=submit]");
  await page.waitForFunction(() => location.pathname === "/docs/errors");

  assert.equal(page.url(), `${base}/docs/errors?from=acme`);
  assert.equal(await page.evaluate(() => document.cookie), "", "no script sees the session");
  const me = await page.evaluate(async () => (await fetch("/api/users/me")).json());
  assert.equal(me.email, "carol@acme.example.com");
  const back = seen.filter((url) => url.includes("/sign-in/callback/acme"));
  assert.match(back[0], /[?&]code=.*[?&]iss=/, "the other site named itself");
  assert.equal(back.at(-1), `${base}/sign-in/callback/acme`, "the code leaves the address bar");
  assert.ok(referrers.every((it) => !it.includes("code=")), `no code in ${referrers}`);

  // Whoever has a second factor is asked for it on the page that they come back to.
  const call = (path, body) =>
    page.evaluate(
      async (...[path, body]) => {
        const headers = { "content-type": "application/json" };
        const response = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
        return response.status === 204 ? {} : response.json();
      },
      path,
      body,
    );
  const begun = await call("/api/users/me/factors/totp", {});
  const made = await call("/api/users/me/factors/totp/confirm", { code: totp(begun.secret) });
  await page.evaluate(() => fetch("/api/sessions/current", { method: "DELETE" }));
  await page.goto(`${base}/sign-in`);
  const second = await call("/api/providers/acme/begin", {});
  // The other site remembers the browser and sends it back at once.
  await page.goto(second.authorizationUrl);
  await page.waitForSelector("#second-factor:not([hidden])");
  assert.ok(await page.$eval("#passkey", (button) => button.hidden), "there is none");
  await page.type("#code", "no code of mine");
  await page.click("#second-factor button");
  await page.waitForFunction(() => !/One step/.test(document.getElementById("says").textContent));
  assert.equal(await page.evaluate(async () => (await fetch("/api/users/me")).status), 401);
  await page.$eval("#code", (field) => (field.value = ""));
  await page.type("#code", made.recoveryCodes[0]);
  await page.click("#second-factor button");
  await page.waitForFunction(() => location.pathname === "/");
  assert.equal(await page.evaluate(async () => (await fetch("/api/users/me")).status), 200);

  // A passkey does as well, if there is one.
  const devtools = await page.createCDPSession();
  await devtools.send("WebAuthn.enable");
  await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  const asked = await call("/api/users/me/factors/passkeys", {});
  const credential = await page.evaluate(async (options) => {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
    return (await navigator.credentials.create({ publicKey })).toJSON();
  }, asked.options);
  const added = await call("/api/users/me/factors/passkeys/confirm", { name: "Laptop", credential });
  assert.ok(added.code === undefined, JSON.stringify(added));
  await page.evaluate(() => fetch("/api/sessions/current", { method: "DELETE" }));
  const third = await call("/api/providers/acme/begin", {});
  await page.goto(third.authorizationUrl);
  await page.waitForSelector("#passkey:not([hidden])");
  await page.click("#passkey");
  await page.waitForFunction(() => location.pathname === "/");
  assert.equal(await page.evaluate(async () => (await fetch("/api/users/me")).status), 200);

  // Nothing to come back from, and nowhere else to go to.
  for (const path of ["?code=x&state=y", "?error=access_denied&state=link.y", ""]) {
    await page.goto(`${base}/sign-in/callback/acme${path}`);
    await page.waitForFunction(() => /again/.test(document.getElementById("says").textContent));
    assert.equal(page.url(), `${base}/sign-in/callback/acme`);
  }
  assert.deepEqual(wrong, []);
  console.log("signed in with another site");
} finally {
  await browser.close();
}
