// Our types and those of openapi-typescript, held against each other: what fits
// one fits the other. Theirs say that an answer always has all its headers, ours
// that it may; so headers are compared one way.
import type * as theirs from "./theirs.js";
import type * as ours from "./ours.js";

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
type Fits<A, B> = [A] extends [B] ? true : false;
type Member<T, K> = K extends keyof T ? T[K] : undefined;
type Contents<T> = { [K in keyof T]: Member<T[K], "content"> };

type Compared<A, B> = {
  [K in keyof A | keyof B]: K extends keyof A & keyof B ? Same<A[K], B[K]> : false;
};
type Operations<A, B> = {
  [K in keyof A | keyof B]: K extends keyof A & keyof B
    ? [
        Same<Member<A[K], "parameters">, Member<B[K], "parameters">>,
        Same<Member<A[K], "requestBody">, Member<B[K], "requestBody">>,
        Same<Contents<Member<A[K], "responses">>, Contents<Member<B[K], "responses">>>,
        Fits<B[K], A[K]>,
      ]
    : false;
};
type Paths<A, B> = {
  [K in keyof A | keyof B]: K extends keyof A & keyof B
    ? [Same<keyof A[K], keyof B[K]>, Fits<B[K], A[K]>]
    : false;
};
type Wrong<T> = { [K in keyof T]: T[K] extends true | true[] ? never : K }[keyof T];

type All = {
  schemas: Wrong<Compared<ours.components["schemas"], theirs.components["schemas"]>>;
  answers: Wrong<
    Compared<Contents<ours.components["responses"]>, Contents<theirs.components["responses"]>>
  >;
  operations: Wrong<Operations<ours.operations, theirs.operations>>;
  paths: Wrong<Paths<ours.paths, theirs.paths>>;
};

// An error here names what differs.
type Differing = { [K in keyof All as [All[K]] extends [never] ? never : K]: All[K] };
export const differing: Differing = {};

// The comparison can fail: a schema without one of its fields is another.
type Post = ours.components["schemas"]["Post"];
export const told: Same<Post, Omit<Post, "title">> = false;
