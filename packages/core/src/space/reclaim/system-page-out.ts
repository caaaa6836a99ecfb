import { MirrorError } from '../../driver/index.js';
import { inTime } from '../in-time.js';
import type { PageOutCounts, PageOutTarget } from './page-out.js';

/**
 * Has host memory take pages out of memory by the system's own means. Nothing is locked and no entry changes meanwhile: whoever
 * accesses such a page finds its bytes again. Resolves to how many left.
 * @throws MirrorError `IO`, `DEVICE_TIMEOUT`
 */
export async function systemPageOut(
  { store, timeoutMs }: PageOutTarget,
  pages: number[],
  counts: PageOutCounts,
): Promise<number> {
  if (pages.length === 0) return 0;
  let left = 0;
  const work = (async () => store.host.pageOut!(pages))().then((count) => void (left = count));
  let ended: boolean;
  try {
    ended = await inTime(work, timeoutMs);
  } catch (cause) {
    throw new MirrorError('IO', `the system did not take ${pages.length} pages out of memory; they stay there`, {
      cause,
    });
  }
  if (!ended) {
    work.catch(() => undefined);
    const what = `waited ${timeoutMs} ms for the system to take ${pages.length} pages out of memory; their bytes are where they were or there`;
    throw new MirrorError('DEVICE_TIMEOUT', what);
  }
  counts.swappedOut += left;
  return left;
}
