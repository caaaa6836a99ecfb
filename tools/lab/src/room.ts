/**
 * Pages that fit: a number, or a percentage of all.
 * @throws RangeError where that is no page
 */
export function roomOf(size: string, pages: number): number {
  const room = size.endsWith('%') ? Math.floor((Number(size.slice(0, -1)) / 100) * pages) : Number(size);
  if (!Number.isSafeInteger(room) || room < 1) throw new RangeError(`no memory: ${size} of ${pages} pages`);
  return room;
}
