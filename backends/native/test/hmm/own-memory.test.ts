import { expect, it } from 'vitest';
import { addon } from '../../src/index.js';
import { copyWithin } from '../../src/hmm/own-memory.js';

const { Mapping } = addon();

it('copies bytes within the process, and none beside them', async () => {
  const [to, from] = [Mapping.reserve(8192), Mapping.reserve(4096)];
  const target = new Uint8Array(to.arrayBuffer(0, 8192));
  target.fill(9);
  new Uint8Array(from.arrayBuffer(0, 4096)).set([1, 2, 3]);
  await copyWithin(to, 4096 + 10, from, 3);
  expect([...target.subarray(4096 + 9, 4096 + 14)]).toEqual([9, 1, 2, 3, 9]);
  await copyWithin(to, 8189, from, 3);
  expect([...target.subarray(8188)]).toEqual([9, 1, 2, 3]);
  from.unmap();
  to.unmap();
});

it('is refused where there is no memory to copy', async () => {
  const [to, from] = [Mapping.reserve(4096), Mapping.reserve(4096)];
  to.unmap();
  await expect(copyWithin(to, 0, from, 3)).rejects.toMatchObject({ code: 'CLOSED' });
  from.unmap();
});
