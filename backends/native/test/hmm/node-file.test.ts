import { expect, it, vi } from 'vitest';
import { NodeFile } from '../../src/hmm/node-file.js';
import { IoctlDevice } from '../../src/index.js';

it('a node can be opened again though no thread was left to close its file', async () => {
  const node = NodeFile.of('/dev/null');
  const closeAsync = vi
    .spyOn(IoctlDevice.prototype, 'closeAsync')
    .mockRejectedValueOnce(Object.assign(new Error('more than 256 waits at once'), { code: 'BUSY' }));
  node.begin();
  const first = node.open();
  await node.end();
  expect(closeAsync).toHaveBeenCalledOnce();
  node.begin();
  await node.ready();
  const second = node.open();
  expect(second).not.toBe(first);
  await node.end();
  expect(second.descriptor.closed).toBe(true);
  first.close();
  closeAsync.mockRestore();
});
