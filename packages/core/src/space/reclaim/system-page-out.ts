import { MirrorError } from '../../driver/index.js';
import { inTime } from '../in-time.js';
import type { PageOutCounts, PageOutTarget } from './page-out-target.js';

/**
 * Has host memory take pages out of memory by the system's own means; what fails is added to `failures`. Nothing is locked and no
 * entry changes meanwhile: whoever accesses such a page finds its bytes again. Resolves to how many left.
 */
export async function systemPageOut(
  { store, timeoutMs }: PageOutTarget,
  pages: readonly number[],
  counts: PageOutCounts,
  failures: unknown[],
): Promise<number> {
  if (pages.length === 0) return 0;
  let left = 0;
  const work = (async () => store.host.pageOut!(pages))().then((count) => void (left = count));
  try {
    if (await inTime(work, timeoutMs)) {
      counts.swappedOut += left;
      return left;
    }
    work.catch(() => undefined);
    const what = `waited ${timeoutMs} ms for the system to take ${pages.length} pages out of memory; their bytes are where they were or there`;
    failures.push(new MirrorError('DEVICE_TIMEOUT', what));
  } catch (cause) {
    const what = `the system did not take ${pages.length} pages out of memory; they stay there`;
    failures.push(new MirrorError('IO', what, { cause }));
  }
  return 0;
}
