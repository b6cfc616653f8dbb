/**
 * What a page carries: an index of all cases, the vector files, the rules, and the runs of a report, each packed by itself and
 * opened when it is needed.
 */
import type { VectorFile } from "../src/audit/Model.ts"
import type { CaseIndex, Index, RuleTexts, RunData } from "../src/report/PageData.ts"

const cache = new Map<string, Promise<unknown>>()

const unpack = async (id: string): Promise<unknown> => {
  const text = document.getElementById(id)?.textContent
  if (text === undefined || text === null) throw new Error(`the page carries no ${id}`)
  const packed = Uint8Array.from(atob(text.trim()), (c) => c.charCodeAt(0))
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))
  return new Response(stream).json()
}

const get = <T>(id: string): Promise<T> => {
  const known = cache.get(id)
  if (known !== undefined) return known as Promise<T>
  const found = unpack(id)
  cache.set(id, found)
  return found as Promise<T>
}

export const index = (): Promise<Index> => get("data-index")
export const rules = (): Promise<RuleTexts> => get("data-rules")
export const runs = (): Promise<ReadonlyArray<RunData>> => get("data-runs")
/** A vector file by its place in the index. */
export const file = (number: number): Promise<VectorFile> => get(`data-file-${number}`)

/** The file that holds a case, if the page carries it. */
export const fileOf = async (item: CaseIndex): Promise<VectorFile | undefined> =>
  item.file < 0 ? undefined : file(item.file)
