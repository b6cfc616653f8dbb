/**
 * What alice says when nobody gives the demo any lines.
 */
export const script: ReadonlyArray<string> = [
  "Hello Bob!",
  "Did you get home all right? 🚲🌧️",
  "Größe, čas, 時間, سلام: every writing system arrives as it was written.",
  "",
  "That was an empty line. It counts too.",
  "See you at eight."
]
