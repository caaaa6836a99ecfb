/** Pages that follow each other, as `[first, count]`. */
export function runsOf(pages: readonly number[]): (readonly [number, number])[] {
  const runs: [number, number][] = [];
  for (const page of pages) {
    const last = runs.at(-1);
    if (last !== undefined && last[0] + last[1] === page) last[1]++;
    else runs.push([page, 1]);
  }
  return runs;
}
