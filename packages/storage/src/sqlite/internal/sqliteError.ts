/**
 * Result codes of SQLite, as `node:sqlite` reports them. Not exported from the package.
 *
 * Spec: none; see "Result and Error Codes" in SQLite's documentation.
 */

const codeOf = (error: unknown): number => {
  const code: unknown = typeof error === "object" && error !== null && "errcode" in error ? error.errcode : undefined
  return typeof code === "number" ? code : 0
}

/** The primary code: the low byte. */
const primary = (error: unknown): number => codeOf(error) & 0xff

/** SQLITE_BUSY: another connection holds a lock. */
export const isBusy = (error: unknown): boolean => primary(error) === 5
/** SQLITE_FULL: no room. The transaction was rolled back, and the next one may succeed. */
export const isFull = (error: unknown): boolean => primary(error) === 13
/** SQLITE_CORRUPT, or SQLITE_IOERR_SHORT_READ: the file lacks or contradicts a part of itself. */
export const isCorrupt = (error: unknown): boolean => primary(error) === 11 || codeOf(error) === 522
/** SQLITE_NOTADB. */
export const isNotADatabase = (error: unknown): boolean => primary(error) === 26
