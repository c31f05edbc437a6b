const timerMsMax = 2 ** 31 - 1;

/** An option of the client, when it is a whole number that a timer takes. @throws {RangeError} naming it */
export function wholeNumber(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= timerMsMax) return value;
  throw new RangeError(`${name} must be a whole number from 1 to ${timerMsMax}.`);
}
