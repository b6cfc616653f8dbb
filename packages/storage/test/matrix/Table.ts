/**
 * The crash matrix as a page of the documentation.
 */
import { adapters } from "./Places.ts"

/** What was run for one operation over one adapter. */
export interface Cell {
  readonly operation: string
  readonly adapter: string
  /** Commits of the undisturbed operation. */
  readonly commits: number
  /** Runs that were killed. All went well, or there is no cell. */
  readonly kills: number
  readonly envelopes: number
}

const head = `# Crash matrix

A device is killed right before and right after every commit of what it does, over every store adapter, opened again on what its process left behind, and goes on. In every run afterwards: each side has seen every message exactly once and in order, its application was given nothing again but what it had been given last and not taken, nobody was shown a warning that does not belong there, no nonce was used twice, and both sides write to each other once more. A cell says how many of the killed runs ended so; one that did not would stop the test, and this page would not be written.

Written by \`TACIT_CRASH_ALL=1 npx vitest run packages/storage/test/matrix.test.ts\`, from real runs only. Every run of the [test](../packages/storage/test/matrix.test.ts) kills the memory store everywhere and the others at some commits, and compares operations and adapters with those below; the numbers are those of the last time it was written.

`

const foot = `
What a killed process leaves behind is taken from the files at that very moment: database and log as they stand on the disk, without what the process would have written later; commits at hand are answered to nobody. Real \`kill -9\` of real processes, at commits and anywhere between them, and logs that were cut or spoilt: [SQLite](../packages/storage/test/sqlite.crash.test.ts), [vault over SQLite](../packages/storage/test/vault.crash.test.ts), [clients over SQLite at every commit](../packages/cli/test/commits.test.ts), [clients and relay at any time](../packages/cli/test/crash.test.ts).

Two rows are about old backups. The first: the device is put back to a copy, after a life with another start in which ratchets turned on both sides; it is told so at login, freezes, asks its peer, and goes on with the answer, within one round trip. What was sent to it in sessions that the copy does not have arrives, the user is told, once. The second is its peer, killed while it sends again.
`

/** The page. */
export const render = (cells: ReadonlyArray<Cell>): string => {
  const rows = [...new Set(cells.map(({ operation }) => operation))].map((operation) => {
    const columns = adapters.map((adapter) => {
      const cell = cells.find((one) => one.operation === operation && one.adapter === adapter)!
      return `${cell.kills} of ${2 * cell.commits}`
    })
    const commits = new Set(cells.filter((cell) => cell.operation === operation).map((cell) => cell.commits))
    return `| ${operation} | ${[...commits].join(", ")} | ${columns.join(" | ")} |`
  })
  const titles = `| operation | commits | ${adapters.join(" | ")} |\n| --- | ---: | ${adapters.map(() => "---:").join(" | ")} |`
  return `${head}${titles}\n${rows.join("\n")}\n${foot}`
}

/** The rows of a page, without the numbers: operation, and for each adapter whether every killed run is there. */
export const rowsOf = (page: string): ReadonlyArray<ReadonlyArray<string | boolean>> =>
  page
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| ---"))
    .map((line) => {
      const [operation = "", , ...columns] = line.slice(2, -2).split(" | ")
      return [operation, ...columns.map((cell) => wholeOf(cell) ?? cell)]
    })

const wholeOf = (cell: string): boolean | undefined => {
  const count = /^(\d+) of (\d+)$/.exec(cell)
  return count === null ? undefined : Number(count[1]) > 0 && count[1] === count[2]
}
