/**
 * Names of users, and the topics they lead to.
 *
 * Spec: docs/spec/15-nes.md §15.1 (rules nes.name.1, nes.topic.1).
 * Does not ask anybody whether a name exists.
 */

/** Whether a name is one the key service takes: 3 to 32 of a–z, 0–9, `_`, `-`. */
export const isUsername = (text: string): boolean => /^[a-z0-9_-]{3,32}$/.test(text)

/** A name as typed, in the form that travels. */
export const lower = (text: string): string => text.toLowerCase()

/** `nes/<recipient>/message`. The name is one {@link isUsername} accepts, so it holds no `/`, `+` or `#`. */
export const topicOf = (username: string): string => `nes/${username}/message`
