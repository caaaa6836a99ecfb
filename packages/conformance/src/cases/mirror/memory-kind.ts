import { createFile } from './file.js';
import { bytesEqual } from '../../check.js';
import type { PageSpan } from '../../page-span.js';
import type { SpaceRig } from '../../space-rig.js';

/** Values of the parameter `memory`: what the pages under test are of. */
export const MEMORY = ['anonymous', 'file'] as const;

/** Pages under test of the kind that a case's parameter `memory` names. */
export interface Memory {
  readonly area: PageSpan;
  /** Fails unless the file, if it is one, has `expected` at `offset` of a page: once it was synced, or as it is. */
  readonly inFile: (
    page: number,
    expected: Uint8Array,
    what: string,
    offset?: number,
    when?: 'synced' | 'as it is',
  ) => Promise<void>;
  /** Maps memory of the same kind over some of the pages. */
  mapAgain(page: number, pages: number): void;
}

/** Maps pages: anonymous memory, or a file that is shared, so that a dirty bit that goes astray shows in its bytes. */
export async function mapMemory(t: SpaceRig, pages: number): Promise<Memory> {
  const { space, pageSize, env } = t;
  const file = env.params['memory'] === 'file' ? createFile(90, pages * pageSize) : undefined;
  const area = await t.map({ pages, ...(file && { source: file, share: 'shared' }) });
  return {
    area,
    async inFile(page, expected, what, offset = 0, when = 'synced') {
      if (file === undefined) return;
      if (when === 'synced') await space.sync(area.at(page), pageSize);
      const at = page * pageSize + offset;
      bytesEqual(file.content.slice(at, at + expected.length), expected, `${what}, in the file`);
    },
    mapAgain(page, count) {
      const from = file && ({ source: file, share: 'shared', offset: page * pageSize } as const);
      space.map({ address: area.at(page), bytes: count * pageSize, fixed: true, ...from });
    },
  };
}
