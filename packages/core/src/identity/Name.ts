/**
 * The syntax of user names at a relay.
 *
 * Spec: docs/spec/14-relay.md §14.2, rule relay.register.1.
 * Says nothing about who holds a name.
 */
const pattern = /^[a-z0-9][a-z0-9._-]{0,63}$/

/** Whether a text can be a user name. ASCII only, so it has as many bytes as characters. */
export const isName = (text: string): boolean => pattern.test(text)
