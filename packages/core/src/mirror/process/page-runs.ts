/** A run of neighbouring pages of the process. */
export interface PageRun {
  /** Number of the first page. */
  readonly page: number;
  /** How many. */
  readonly count: number;
}

/** Joins neighbours of ascending page numbers into runs. */
export function runsOf(pages: Iterable<number>): PageRun[] {
  const runs: { page: number; count: number }[] = [];
  for (const page of pages) {
    const last = runs[runs.length - 1];
    if (last !== undefined && last.page + last.count === page) last.count++;
    else runs.push({ page, count: 1 });
  }
  return runs;
}
