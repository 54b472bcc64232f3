// A real OpenID provider on any free port: `provider.mjs CLIENT SECRET REDIRECT_URI`.
// It lets everybody in who says a name. Writes its issuer, ends with its input.
import { createServer } from "node:http";
import Provider from "oidc-provider";

const [client, secret, redirect] = process.argv.slice(2);
// What it has to say about being no production goes to standard error.
console.info = console.warn = console.error;
const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: client, client_secret: secret, redirect_uris: [redirect] }],
    cookies: { keys: ["of no value"] },
    claims: {
      openid: ["sub"],
      email: ["email", "email_verified"],
      profile: ["name", "preferred_username"],
    },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        email: `${id}@acme.example.com`,
        email_verified: true,
        name: `${id} of Acme`,
        preferred_username: id,
      }),
    }),
    pkce: { required: () => true },
  });
  server.on("request", provider.callback());
  console.log(issuer);
});
process.stdin.on("end", () => process.exit()).resume();
