/**
 * The greeting: what a subject says about itself and what it can do.
 *
 * Spec: docs/spec/20-subject.md §20.2.
 */
import * as Schema from "effect/Schema"
import { Count } from "./Value.ts"

/** Version of the subject protocol. */
export const protocolVersion = 1

/** Families a subject may declare, in the order of reports. */
export const families = [
  "primitives",
  "labels",
  "encoding",
  "envelope",
  "safety",
  "agreement",
  "ratchet",
  "sequence",
  "identity",
  "linking",
  "devices",
  "attachment",
  "history",
  "trust",
  "state",
  "vault",
  "device"
] as const
export type Family = (typeof families)[number]

const optional = Schema.optionalKey

/** Rule subject.features.1. Families the runner does not know are kept: a newer subject may have more. */
export const Features = Schema.Struct({
  families: Schema.Record(Schema.String, Count),
  suites: optional(Schema.Array(Count)),
  coins: optional(Schema.Literals(["labelled", "none"])),
  deterministic: optional(Schema.Boolean),
  snapshot: optional(Schema.Boolean),
  crash: optional(Schema.Boolean),
  several: optional(Schema.Boolean),
  inspect: optional(Schema.Array(Schema.String)),
  limits: optional(Schema.Record(Schema.String, Count)),
  concurrency: optional(Count.check(Schema.isBetween({ minimum: 1, maximum: 1024 })))
})
export type Features = typeof Features.Type

/** What the runner sends in `in` of `hello`. `seed` is 64 bytes. */
export const HelloRequest = Schema.Struct({
  kit: Schema.String,
  speaks: Schema.Array(Count),
  seed: Schema.String.check(Schema.isPattern(/^[0-9a-f]{128}$/u))
})
export type HelloRequest = typeof HelloRequest.Type

/** Rule subject.hello.1. */
export const Hello = Schema.Struct({
  name: Schema.String,
  version: Schema.String,
  language: Schema.String,
  source: Schema.String,
  speaks: Schema.Literal(protocolVersion),
  features: Features
})
export type Hello = typeof Hello.Type

/** Whether operations of a family may be asked for, in the version of this suite. */
export const declares = (hello: Hello, family: string): boolean => hello.features.families[family] === 1

/** Suites the subject implements (default: all three). */
export const suitesOf = (hello: Hello): ReadonlyArray<number> => hello.features.suites ?? [1, 2, 3]
