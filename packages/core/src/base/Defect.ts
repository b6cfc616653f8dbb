/**
 * Defects: the one place below the client where the code may stop with a throw.
 *
 * Spec: none; see the error families in the style of the project.
 * A defect is a mistake in the calling program (a key of the wrong length, a value its own layout cannot hold). It can
 * never be reached with bytes that came from a peer, a relay or a store, so nobody catches it.
 */

/** Stops with a programming error. `message` names the broken expectation and never a value. */
export const defect = (message: string): never => {
  throw new TypeError(`tacit: ${message}`)
}
