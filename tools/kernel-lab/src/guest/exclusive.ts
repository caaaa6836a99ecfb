import assert from 'node:assert/strict';
import { HMM_PAGE, hmmTest, Memory, TOLD } from './device.js';
import { calls, PROT } from './process.js';

const PAGES = 32;

hmmTest('exclusive', async (device) => {
  const memory = new Memory(PAGES);
  const got = new Memory(PAGES);
  memory.fill(1);
  assert.equal((await device.ask('exclusive', memory, got)).pages, PAGES);
  got.expect(1, 'what the device has for itself');
  // While it is, the driver refuses to say that it is not; a snapshot sees nothing there.
  assert.equal((await device.ask('checkExclusive', memory, got)).error, 'EPERM');
  assert.deepEqual([...new Set(await device.look(memory))], [TOLD.none]);
  memory.expect(1, 'what the CPU loads');
  memory.fill(2);
  assert.equal((await device.ask('checkExclusive', memory, got)).error, undefined);
  memory.expect(2, 'what the CPU stored');
});

hmmTest('exclusive_mprotect', async (device) => {
  const memory = new Memory(PAGES);
  memory.fill(1);
  assert.equal((await device.ask('exclusive', memory, new Memory(PAGES))).pages, PAGES);
  memory.protect(PROT.read);
  assert.equal((await device.ask('write', memory, new Memory(PAGES))).error, 'EPERM');
  memory.expect(1, 'what may not be written');
});

hmmTest('exclusive_cow', async (device) => {
  const memory = new Memory(PAGES);
  memory.words.fill(0x11111111);
  assert.equal((await device.ask('exclusive', memory, new Memory(PAGES))).pages, PAGES);
  assert.equal(calls.forked(memory.mapping.address, PAGES * HMM_PAGE, 0x11, 0x22), 0);
  assert.ok(memory.words.every((word) => word === 0x11111111));
  memory.fill(3);
  memory.expect(3, 'what the parent wrote');
});
