// Visits a provider as a browser does and says yes to all that it asks:
// `visit.mjs URL NAME`. Writes the URL that the browser is sent back to.
const [begin, name] = process.argv.slice(2);
const home = new URL(begin).origin;
const jar = new Map();
let url = begin;
let options = {};
for (let step = 0; step < 20; step++) {
  const cookie = [...jar].map((pair) => pair.join("=")).join("; ");
  const response = await fetch(url, { redirect: "manual", headers: { cookie }, ...options });
  options = {};
  for (const line of response.headers.getSetCookie()) {
    const [key, value] = line.split(";")[0].split("=");
    jar.set(key, value);
  }
  const location = response.headers.get("location");
  if (location) {
    url = new URL(location, url).href;
    if (new URL(url).origin === home) continue;
    console.log(url);
    process.exit(0);
  }
  const form = await response.text();
  const prompt = /name="prompt" value="(\w+)"/.exec(form)?.[1];
  if (!prompt) throw new Error(`${response.status} ${url}: ${form}`);
  url = new URL(/action="([^"]+)"/.exec(form)[1], url).href;
  const asked = prompt === "login" ? { prompt, login: name, password: "any" } : { prompt };
  options = { method: "POST", body: new URLSearchParams(asked) };
}
throw new Error("the provider does not send anybody back");
