/**
 * What is said in the crash tests: a number, and a filler that is the same in every message, which the keystream check needs.
 */

/** 96 equal characters at a place that moves by a few bytes at most. */
export const filler = "=".repeat(96)

export const textOf = (number: number): string => `${number}${filler}`
