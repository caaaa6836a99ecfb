import { agree, memberOf, type Scene } from './scene.js';
import { outcomeOf } from './world.js';

/** Rearranges pages of a region. */
export interface RemapPagesOperation {
  readonly kind: 'remapPages';
  readonly member: number;
  readonly region: number;
  readonly page: number;
  readonly pages: number;
  readonly from: number;
  readonly form: 'callback' | 'unmap-flush';
}

export async function remapPages(scene: Scene, op: RemapPagesOperation): Promise<void> {
  const { plain, space } = memberOf(scene, op.member);
  const before = plain.regions[op.region % Math.max(1, plain.regions.length)];
  if (before === undefined) return;
  const size = plain.pageSize;
  const { start, object, shared } = before;
  const pages = (before.end - start) / size;
  const { page, from, form } = op;
  const outcome = await outcomeOf(() =>
    space.regionAt(start)!.remapPages({ offset: page * size, bytes: op.pages * size, from: from * size, form }),
  );
  let expected: string | undefined;
  if (page + op.pages > pages) expected = 'RangeError';
  else if (object === undefined) {
    if (from + op.pages > pages || (from < page + op.pages && page < from + op.pages)) expected = 'RangeError';
  } else if (!shared) expected = 'INVALID_ARGUMENT';
  else if (object.file >= 0 && from + op.pages > Math.ceil(object.size / size)) expected = 'RangeError';
  agree('remapPages', outcome, expected);
  if (expected !== undefined) return;
  if (object === undefined) {
    for (let i = 0; i < op.pages; i++) {
      const { own } = before;
      [own[page + i], own[from + i]] = [own[from + i], own[page + i]];
    }
    return;
  }
  for (const part of plain.isolate(start + page * size, start + (page + op.pages) * size))
    part.objectPage = from + (part.start - start) / size - page;
}
