import { wordsOf } from "./memory-facts.ts";

const stopWords = new Set(
  wordsOf(
    "a an and are as at be been by did do does for from had has have how i in is it its me my of on or s she he the their them they this that to was we were what when where which who why will with you your user",
  ),
);

/** The words of a text that say something; a text of stop words alone keeps them, so it needs to be seen whole. */
export function tellingWords(text: string): string[] {
  const words = wordsOf(text);
  const kept = words.filter((word) => !stopWords.has(word));
  return [...(kept.length === 0 ? words : kept)];
}

/** The word without its commonest endings. */
export function stemOf(word: string): string {
  const stem = word.replace(/(?:ing|ed|es|s)$/, "");
  return stem.length >= 3 ? stem.replace(/e$/, "") : word;
}
