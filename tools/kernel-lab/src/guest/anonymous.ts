import { Advice } from '@mirrorspace/native';
import assert from 'node:assert/strict';
import { HMM_PAGE, hmmTest, Memory, RawDevice } from './device.js';
import { calls, PROT } from './process.js';

const PAGES = 64;
const HUGE = 512;

hmmTest('open_close', (device) => {
  assert.equal(device.file.descriptor.closed, false);
});

hmmTest('anon_read', async (device) => {
  const memory = new Memory(PAGES);
  const got = new Memory(PAGES);
  got.fill(5);
  memory.fill(1, 2);
  memory.protect(PROT.read);
  // Page 0 was never touched, page 1 was read: both are zeros.
  assert.equal(memory.words[HMM_PAGE / 4], 0);
  assert.equal((await device.ask('read', memory, got)).pages, PAGES);
  for (let i = 0; i < (2 * HMM_PAGE) / 4; i++) assert.equal(got.words[i], 0);
  got.expect(1, 'what the device read', 2);
});

hmmTest('anon_read_prot', async (device) => {
  const memory = new Memory(PAGES);
  const got = new Memory(PAGES);
  memory.fill(1);
  got.fill(7);
  memory.protect(PROT.none);
  assert.equal((await device.ask('read', memory, got)).error, 'EFAULT');
  memory.protect(PROT.write);
  memory.expect(1, 'what nobody may read');
  got.expect(7, 'what was not read into');
});

hmmTest('anon_write', async (device) => {
  const memory = new Memory(PAGES);
  const from = new Memory(PAGES);
  from.fill(3);
  assert.equal((await device.ask('write', memory, from)).pages, PAGES);
  memory.expect(3, 'what the device wrote');
});

hmmTest('anon_write_prot', async (device) => {
  const memory = new Memory(PAGES);
  const from = new Memory(PAGES);
  memory.fill(1, 1);
  memory.protect(PROT.read);
  from.fill(3);
  // A zero page is read first, which the device must not write then.
  const first = await device.ask('read', memory, new Memory(1), 0, 1);
  assert.deepEqual([first.pages, first.faults], [1, 1]);
  assert.equal((await device.ask('write', memory, from)).error, 'EPERM');
  memory.expect(1, 'what may not be written', 1);
  assert.equal(memory.words[0], 0);
  memory.protect(PROT.write);
  assert.equal((await device.ask('write', memory, from)).pages, PAGES);
  memory.expect(3, 'what may be written again');
});

hmmTest('anon_write_child', async (device) => {
  const memory = new Memory(4);
  const from = new Memory(4);
  from.words.fill(0x11111111);
  assert.equal((await device.ask('write', memory, from)).pages, 4);
  // A child has a copy: what it stores nobody sees here, and the device goes on writing here.
  assert.equal(calls.forked(memory.mapping.address, 4 * HMM_PAGE, 0x11, 0x22), 0);
  assert.ok(memory.words.every((word) => word === 0x11111111));
  from.fill(9);
  assert.equal((await device.ask('write', memory, from)).pages, 4);
  memory.expect(9, 'what the device wrote after the fork');
});

hmmTest('anon_write_huge', async (device) => {
  const memory = new Memory(3 * HUGE);
  memory.mapping.advise(0, memory.mapping.length, Advice.hugePage);
  const from = new Memory(3 * HUGE);
  from.fill(4);
  assert.equal((await device.ask('write', memory, from)).pages, 3 * HUGE);
  memory.expect(4, 'what the device wrote');
});

hmmTest('compound', async (device) => {
  const memory = new Memory(3 * HUGE);
  memory.mapping.advise(0, memory.mapping.length, Advice.hugePage);
  memory.fill(1);
  const first = HUGE - ((memory.mapping.address / HMM_PAGE) % HUGE);
  const flags = await device.look(memory, first, HUGE);
  // Read-write, and mapped by one large entry.
  assert.deepEqual([...new Set(flags)], [6]);
  memory.protect(PROT.read);
  assert.deepEqual([...new Set(await device.look(memory, first, HUGE))], [5]);
  memory.protect(PROT.write);
});

hmmTest('anon_read_multiple', async (device) => {
  for (let round = 0; round < 10; round++) {
    const memory = new Memory(PAGES);
    const got = new Memory(PAGES);
    memory.fill(round);
    assert.equal((await device.ask('read', memory, got)).pages, PAGES);
    got.expect(round, `what the device read in round ${round}`);
    memory.mapping.unmap();
  }
});

hmmTest('anon_teardown', async (device, { nodes }) => {
  for (let round = 0; round < 10; round++) {
    const own = new RawDevice(nodes[0]);
    const memory = new Memory(PAGES);
    memory.fill(round);
    const reading = own.ask('read', memory, new Memory(PAGES));
    // It goes while the device uses it: zeros are read then, of addresses that are nobody else's.
    memory.mapping.unmap();
    assert.ok([PAGES, 0].includes((await reading).pages));
    own.close();
  }
  assert.equal(device.file.descriptor.closed, false);
});
