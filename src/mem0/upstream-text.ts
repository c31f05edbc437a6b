/**
 * Text of the upstream's, made fit for our messages: on one line, without control and format characters, without what
 * stands behind the host of a URL (a webhook's path is a secret), without our own secret (an upstream may echo the header
 * it dislikes), and at most `charactersMax` characters long.
 */
export function upstreamText(text: string, secret: string, charactersMax: number): string {
  // The secret goes after the control characters, or one in its midst would hide it; and before the cut, or the cut
  // could leave a recognisable half of it.
  const oneLine = text
    .replaceAll(/\s+/gu, " ")
    .replaceAll(/[\p{Cc}\p{Cf}]+/gu, "")
    .trim()
    // Mem0's own pages are where its messages send people.
    .replaceAll(/(https?:\/\/(?![a-z]+\.mem0\.ai\/)[^\s/?#"'<>]+)[/?#][^\s"'<>]*/giu, "$1/…")
    .replaceAll(secret, "[API key]");
  // A character is at most two code units: the slice only saves splitting a huge text into characters.
  const characters = Array.from(oneLine.slice(0, 2 * charactersMax + 2));
  return characters.length <= charactersMax
    ? characters.join("")
    : `${characters.slice(0, charactersMax - 1).join("")}…`;
}
