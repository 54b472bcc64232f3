// Reads tokens as other people's software does: `tokens.mjs JWKS_URL ISSUER TOKEN…`.
// The last token is forged and must be refused.
import { calculateJwkThumbprint, createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from "jose";

const [url, issuer, ...tokens] = process.argv.slice(2);
const forged = tokens.pop();
const published = (await (await fetch(url)).json()).keys;
for (const key of published) {
  if ((await calculateJwkThumbprint(key)) !== key.kid) throw new Error(`${key.kid} is no thumbprint`);
}
const keys = createRemoteJWKSet(new URL(url));
const options = { issuer, audience: "mainstay", typ: "at+jwt", algorithms: ["EdDSA"] };
const used = new Set();
for (const token of tokens) {
  const { payload } = await jwtVerify(token, keys, { ...options, requiredClaims: ["sub", "sid", "jti", "exp", "nbf"] });
  if (!payload.auth_time) throw new Error("no auth_time");
  used.add(decodeProtectedHeader(token).kid);
}
const refused = await jwtVerify(forged, keys, options).then(() => false, () => true);
if (!refused) throw new Error("a forged token was accepted");
console.log(`jose believes ${tokens.length} tokens of ${used.size} keys`);
