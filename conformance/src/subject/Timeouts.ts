/**
 * How long an answer may take: by the class of the operation, scaled to the subject's own speed.
 *
 * Spec: docs/spec/21-conformance.md §21.1.
 */

/** Operations that do much work in one request. */
const slow = new Set([
  "hello",
  "hmac-iterate",
  "x25519-iterate",
  "safety.number",
  "actor.new",
  "actor.restore",
  "actor.restart",
  "prekey.publish"
])

/** Whether one request of an operation is much work: those above, whole series in one (`bulk.…`), and passwords. */
export const isSlow = (op: string): boolean => slow.has(op) || op.startsWith("bulk.") || op.startsWith("argon2")

/** ms; may be scaled up while a run goes on. */
export class Timeouts {
  readonly #base: number
  #scale = 1

  /** `base` is what a cheap operation has; a slow one has six times as much. */
  constructor(base = 5000) {
    this.#base = base
  }

  get scale(): number {
    return this.#scale
  }

  /**
   * Takes the time a known piece of work took as a measure: `ms` against the `nominal` time it should take. Never less
   * than once and never more than twenty times the base.
   */
  calibrate(ms: number, nominal: number): void {
    this.#scale = Math.min(20, Math.max(1, this.#scale, ms / nominal))
  }

  /** For a request; `asked` replaces what the class gives. */
  of(op: string, asked?: number): number {
    return Math.ceil((asked ?? (isSlow(op) ? this.#base * 6 : this.#base)) * this.#scale)
  }
}
