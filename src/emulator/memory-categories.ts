import { wordsOf } from "./memory-facts.ts";

/** The default categories (Mem0 docs, custom-categories), and the words by which the emulator files under them. */
const defaultCategories: Readonly<Record<string, string>> = {
  personal_details: "name age birthday address live lives lived moved born phone email nationality",
  family: "family wife husband mother father parent parents son daughter child children brother sister kids",
  professional_details:
    "work works job career company manager engineer developer office colleague profession employer",
  sports: "sport sports football soccer tennis cricket badminton basketball running gym swimming marathon",
  travel: "travel travels trip flight hotel vacation holiday visit visited visiting airport passport moved",
  food: "food eat eats cook cooking pizza vegan vegetarian restaurant coffee tea breakfast dinner lunch recipe",
  music: "music song songs guitar piano band concert album jazz singer",
  health: "health doctor allergy allergic medication diet sleep illness hospital therapy pain",
  technology: "technology computer software phone laptop code programming typescript python app gadget",
  hobbies: "hobby hobbies reading painting gardening hiking photography chess knitting cricket badminton",
  fashion: "fashion clothes dress shoes jacket style outfit",
  entertainment: "movie movies film series show game games book books netflix theatre",
  milestones: "graduated married wedding promotion anniversary engaged retired",
  user_preferences:
    "like likes love loves prefer prefers favorite favourite hate hates dislike dislikes enjoy enjoys",
};

/**
 * What a text is filed under, by its words alone. Own categories replace the default ones and match by the words of
 * their name and description; nothing fits: `misc` among the default ones, none among own ones. The rule is the
 * emulator's: the real service asks a model.
 */
export function categoriesOf(text: string, own: readonly unknown[] | null): readonly string[] {
  const words = new Set(wordsOf(text));
  const known = own === null || own.length === 0 ? null : own.flatMap(namesAndWords);
  const offered =
    known ?? Object.entries(defaultCategories).map(([name, list]) => ({ name, words: wordsOf(list) }));
  const fitting = offered.filter((category) => category.words.some((word) => words.has(word)));
  if (fitting.length === 0 && known === null) return ["misc"];
  return fitting.map(({ name }) => name);
}

/** The names that a memory can be filed under. */
export function categoryNames(own: readonly unknown[] | null): readonly string[] {
  if (own === null || own.length === 0) return [...Object.keys(defaultCategories), "misc"];
  return own.flatMap(namesAndWords).map(({ name }) => name);
}

interface Category {
  readonly name: string;
  readonly words: readonly string[];
}

/** `{name: description}`, or a name alone. Words of three letters and fewer say nothing. */
function namesAndWords(category: unknown): readonly Category[] {
  if (typeof category === "string") return [{ name: category, words: significant(category) }];
  if (typeof category !== "object" || category === null) return [];
  return Object.entries(category).map(([name, description]) => ({
    name,
    words: significant(`${name} ${typeof description === "string" ? description : ""}`),
  }));
}

function significant(text: string): readonly string[] {
  return wordsOf(text.replaceAll("_", " ")).filter((word) => word.length > 3);
}
