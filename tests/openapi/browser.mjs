// Drives the pages of the gateway in Chromium: the sign-in by link, then the
// documentation, where operations are tried with the session's cookie.
// Arguments: the gateway's URL, a sign-in link. Says what went wrong and fails.
import { strict as assert } from "node:assert";
import puppeteer from "puppeteer-core";

const [base, link] = process.argv.slice(2);
const limit = 30_000;
const wrong = [];

const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(limit);
  page.on("console", (message) => {
    if (["error", "warn"].includes(message.type())) wrong.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${base}/`) && !url.startsWith("data:")) wrong.push(`request: ${url}`);
  });
  page.on("requestfailed", (request) => wrong.push(`failed: ${request.url()}`));

  await page.evaluateOnNewDocument(() => {
    document.addEventListener("securitypolicyviolation", (event) =>
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`),
    );
  });

  await signIn(page);
  await page.goto(`${base}/docs`);
  await page.waitForSelector(".opblock");
  const operations = await page.$$eval(".opblock", (blocks) => blocks.length);
  const listed = await (await fetch(`${base}/openapi.json`)).json();
  const expected = Object.values(listed.paths).flatMap((methods) => Object.keys(methods));
  assert.equal(operations, expected.length, "every operation is shown");

  const user = await tryIt(page, "User", "getUser");
  assert.equal(user.status, "200");
  assert.match(user.body, /"email"/);
  const post = await tryIt(page, "Post", "createPost");
  assert.equal(post.status, "201");
  assert.match(post.body, /"status": "draft"/);

  await page.goto(`${base}/docs/errors`);
  await page.click("tbody a");
  await page.waitForSelector("dl");
  assert.deepEqual(wrong, []);
  console.log(`${operations} operations shown, 2 tried, nothing loaded from elsewhere`);
} finally {
  await browser.close();
}

/** Opens a link: only the button uses it up. */
async function signIn(page) {
  await page.goto(link);
  await page.waitForSelector("#sign-in:not([disabled])");
  assert.equal(await page.evaluate(() => location.hash), "", "the token is out of sight");
  await page.click("#sign-in");
  await page.waitForFunction(() =>
    document.getElementById("says").textContent.startsWith("You are signed in as"),
  );
  const scripted = await page.evaluate(() => document.cookie);
  assert.equal(scripted, "", "no script sees the cookies");
}

/** Executes an operation with its example, as the page offers it. */
async function tryIt(page, tag, id) {
  const block = `#operations-${tag}-${id}`;
  await page.waitForSelector(`${block} .opblock-summary-control`);
  await page.click(`${block} .opblock-summary-control`);
  await page.waitForSelector(`${block} .execute`);
  await page.click(`${block} .execute`);
  await page.waitForSelector(`${block} .live-responses-table .response-col_status`);
  const text = (selector) => page.$eval(`${block} ${selector}`, (node) => node.textContent.trim());
  return {
    status: (await text(".live-responses-table tbody .response-col_status")).slice(0, 3),
    body: await text(".live-responses-table tbody .highlight-code"),
  };
}
