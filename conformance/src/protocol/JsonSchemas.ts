/**
 * The JSON Schemas of `conformance/schema`: made from the Effect Schemas, closed, each complete in itself.
 *
 * Spec: docs/spec/20-subject.md §20.1; docs/spec/21-conformance.md §21.4.
 */
import * as Schema from "effect/Schema"
import { Hello, HelloRequest } from "./Hello.ts"
import { KnownFailures } from "./KnownFailures.ts"
import { Reply, Request } from "./Message.ts"
import { Attestation, Summary } from "./Reports.ts"
import { ResultEvent } from "./Result.ts"

const sources = {
  request: ["A request of the subject protocol", Request],
  reply: ["A reply of the subject protocol", Reply],
  "hello-request": ["`in` of hello", HelloRequest],
  hello: ["`ok` of the answer to hello", Hello],
  result: ["A line of a result file", ResultEvent],
  "known-failures": ["A file of known failures", KnownFailures],
  summary: ["The summary of a run", Summary],
  attestation: ["An attestation of a result file", Attestation]
} as const

/** What may hold members nobody knows: the subject's own answer to hello (rule subject.line.2). */
const open: ReadonlySet<string> = new Set(["hello", "hello-request"])

const text = (name: string, title: string, schema: Schema.Constraint): string => {
  const { definitions, schema: body } = Schema.toJsonSchemaDocument(schema, {
    onExcessProperty: open.has(name) ? "ignore" : "error"
  })
  const document = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: `urn:tacit:conformance:${name}:1`,
    title,
    ...body,
    ...(Object.keys(definitions).length === 0 ? {} : { $defs: definitions })
  }
  return `${JSON.stringify(document, null, 2)}\n`
}

/** File name and text of each schema. */
export const jsonSchemas = (): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(sources).map(([name, [title, schema]]) => [
      `${name}.json`,
      text(name, title, schema as Schema.Constraint)
    ])
  )
