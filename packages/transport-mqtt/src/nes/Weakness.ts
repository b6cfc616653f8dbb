/**
 * What is known to be weak in the profile's design, for programs and for people.
 *
 * Spec: docs/spec/15-nes.md §15.7.
 * Vectors: vectors/nes/data/weaknesses.json.
 * Nothing here can be mended without breaking compatibility; the core protocol has none of it.
 */

/** `id` is permanent. `mitigation` says what this implementation does about it, if anything. */
export interface Weakness {
  readonly id: string
  readonly title: string
  readonly text: string
  readonly mitigation: string
}

export const weaknesses: ReadonlyArray<Weakness> = [
  {
    id: "N-w1",
    title: "guesses can be confirmed",
    text: "The signature travels in the clear and is over the plaintext. Whoever records a frame can try senders, times and texts against it until one fits.",
    mitigation: "none; write nothing that could be guessed"
  },
  {
    id: "N-w2",
    title: "messages can be passed on as if they were for somebody else",
    text: "The signature does not bind the recipient's key, and the earlier program does not look at `to`. Bob can seal Alice's signed message anew to Carol.",
    mitigation: "a message that names another recipient is shown with a warning"
  },
  {
    id: "N-w3",
    title: "answers of the key service can be replayed",
    text: "A signed answer names neither user nor time. The answer about one user passes for another's, and an old one for a new one.",
    mitigation: "the bound answer format of our own directory names user, time and the answer before"
  },
  {
    id: "N-w4",
    title: "a malformed frame ends the earlier program",
    text: "An odd block length, an empty text or a short key makes the original listener crash.",
    mitigation: "refused with a cause; the listener goes on"
  },
  {
    id: "N-w5",
    title: "links of the original key service can be predicted",
    text: "Activation and deletion tokens come from a generator seeded with the time.",
    mitigation: "our directory draws tokens from the operating system's generator and stores only their hashes"
  },
  {
    id: "N-w6",
    title: "no forward secrecy",
    text: "Whoever gets a message key later opens every frame recorded before. Keys are wrapped with PKCS#1 v1.5.",
    mitigation: "unwrapping gives no oracle; the past stays open to a later thief"
  },
  {
    id: "N-w7",
    title: "no defence against replays",
    text: "A frame that is published again is shown again.",
    mitigation: "a message shown before, or older than the listener, is shown with a warning"
  }
]

/** Lines for people, printed whenever the profile is used. */
export const notice: ReadonlyArray<string> = [
  "The nes profile speaks an older messenger's protocol, with its known weaknesses:",
  ...weaknesses.map(({ id, title }) => `  ${id}: ${title}`),
  "Use it only to reach people who have nothing else. `tacit chat` has none of these."
]
