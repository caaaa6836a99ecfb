import { InvalidArgumentError } from 'commander';

/** Parts of an option's text, separated by commas. */
export function listOf(text: string): string[] {
  return text.split(',');
}

/** @throws InvalidArgumentError for anything but a positive integer */
export function countOf(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1) throw new InvalidArgumentError('Not a positive integer.');
  return count;
}
