/**
 * The caller's mistake on the command line or in its input.
 */

/** Nothing was done. `message` says what is wrong, `next` what to type instead. */
export class UsageError extends Error {
  readonly _tag = "UsageError"
  readonly next: string

  constructor(message: string, next: string) {
    super(message)
    this.name = "UsageError"
    this.next = next
  }
}
