// A client of the API as somebody would write it: checked by `tsc --strict`
// against our types and against those of openapi-typescript, then run.
import createClient, { type Middleware } from "openapi-fetch";
import type { components, operations, paths } from "./api.js";

type Post = components["schemas"]["Post"];
type NewPost = operations["createPost"]["requestBody"]["content"]["application/json"];

const base = process.argv[2] ?? "";
const api = createClient<paths>({ baseUrl: base });

/** Keeps cookies, as a browser does by itself. */
const cookies: Middleware = {
  onRequest({ request }) {
    if (jar) request.headers.set("cookie", jar);
  },
  onResponse({ response }) {
    const set = response.headers.getSetCookie().map((cookie) => cookie.split(";")[0]);
    if (set.length > 0) jar = set.join("; ");
  },
};
let jar = "";
api.use(cookies);

function check(claim: boolean, words: string): asserts claim {
  if (!claim) throw new Error(words);
}

const account = { email: "tess@example.com", username: "tess", password: "correct horse battery" };
const created = await api.POST("/api/users", { body: account });
check(created.data?.username === "tess", "an account is made");

const taken = await api.POST("/api/users", { body: account });
check(taken.response.status === 409, "an account is made once");
// The type of a problem is a union of what each status may say.
check(taken.error?.code === "EMAIL_TAKEN" || taken.error?.code === "USERNAME_TAKEN", "and says so");

const { email, password } = account;
const session = await api.POST("/api/sessions", { body: { email, password } });
check(session.data?.user?.email === email, "a session shows whose it is");

const draft: NewPost = { title: "Typed", tags: ["types"], body: null };
const written = await api.POST("/api/users/{user_id}/posts", {
  params: { path: { user_id: "me" }, header: { "Idempotency-Key": crypto.randomUUID() } },
  body: draft,
});
check(written.data !== undefined, "a post is written");
const post: Post = written.data;
const tags: string[] = post.tags;
const since: string | undefined = post.publishedAt;
check(post.title === "Typed" && tags.length === 1 && since === undefined, "it is what was sent");

const path = { post_id: post.id };
const published = await api.POST("/api/posts/{post_id}/publish", { params: { path } });
check(published.data?.status === "published", "it is published");

const list = await api.GET("/api/posts", { params: { query: { pageSize: 1 } } });
check(list.data?.posts[0]?.id === post.id, "it is listed first");

const profiles = await api.GET("/api/profiles", {
  params: { query: { userIds: [created.data.id, post.id] } },
});
check(profiles.data?.profiles.length === 1, "lists in the query are lists");

const gone = await api.DELETE("/api/posts/{post_id}", { params: { path } });
check(gone.response.status === 204 && gone.data === undefined, "it is deleted");
const missing = await api.GET("/api/posts/{post_id}", { params: { path } });
check(missing.error?.code === "NOT_FOUND", "and gone");

// What the types must refuse; each line is an error, or the directive is.
export async function mistakes(): Promise<void> {
  // @ts-expect-error a post has a title
  await api.POST("/api/users/{user_id}/posts", { params: { path: { user_id: "me" } }, body: {} });
  // @ts-expect-error there is no such field
  const wrong: NewPost = { title: "a", titel: "b" };
  // @ts-expect-error there is no such route
  await api.GET("/api/nothing");
  // @ts-expect-error a number is no text
  await api.GET("/api/posts", { params: { query: { pageSize: "1" } } });
  // @ts-expect-error there is no such code
  check(missing.error?.code === "NOT_FUOND", String(wrong));
  // @ts-expect-error secrets are in cookies, never in types
  check(session.data.accessToken === "", "");
}

console.log("the typed client compiles and runs");
