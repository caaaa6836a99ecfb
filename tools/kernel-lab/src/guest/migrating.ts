import assert from 'node:assert/strict';
import { HMM_PAGE, hmmTest, Memory, TOLD } from './device.js';
import { calls, PROT } from './process.js';

const PAGES = 64;
const WORDS = HMM_PAGE / 4;

hmmTest('migrate', async (device, { local }) => {
  const memory = new Memory(PAGES);
  const got = new Memory(PAGES);
  memory.fill(1);
  assert.equal((await device.ask('toDevice', memory, got)).pages, PAGES);
  got.expect(1, 'what the device has');
  assert.deepEqual([...new Set(await device.look(memory))], [local | TOLD.write]);
});

hmmTest('migrate_fault', async (device, { kind, local }) => {
  const memory = new Memory(PAGES);
  memory.fill(1);
  await device.ask('toDevice', memory, new Memory(PAGES));
  // Plain loads of the CPU: of private memory they bring each page home, coherent memory they reach where it is.
  memory.expect(1, 'what the CPU loads');
  const home = kind === 'private' ? TOLD.write : local | TOLD.write;
  assert.deepEqual([...new Set(await device.look(memory))], [home]);
  await device.ask('toDevice', memory, new Memory(PAGES));
  const back = await device.ask('toSystem', memory, new Memory(PAGES));
  assert.equal(back.pages, PAGES);
  assert.deepEqual([...new Set(await device.look(memory))], [TOLD.write]);
  memory.expect(1, 'what came home');
});

hmmTest('migrate_release', async (device) => {
  const memory = new Memory(PAGES);
  memory.fill(1);
  await device.ask('toDevice', memory, new Memory(PAGES));
  assert.equal((await device.ask('release', memory, new Memory(PAGES))).error, undefined);
  assert.deepEqual([...new Set(await device.look(memory))], [TOLD.write]);
  memory.expect(1, 'what was in memory that the device gave up');
  assert.equal((await device.ask('toDevice', memory, new Memory(PAGES))).pages, PAGES);
  memory.expect(1, 'what went there again');
});

hmmTest('migrate_multiple', async (device) => {
  for (let round = 0; round < 10; round++) {
    const memory = new Memory(PAGES);
    const got = new Memory(PAGES);
    memory.fill(round);
    assert.equal((await device.ask('toDevice', memory, got)).pages, PAGES);
    got.expect(round, 'what the device has');
    assert.equal((await device.ask('toSystem', memory, new Memory(PAGES))).pages, PAGES);
    memory.expect(round, 'what came home');
    memory.mapping.unmap();
  }
});

hmmTest('migrate_mixed', async (device, { local }, other) => {
  const memory = new Memory(6);
  memory.protect(PROT.none);
  assert.equal((await other.ask('toDevice', memory, new Memory(6))).error, 'EINVAL');
  memory.protect(PROT.read, 2, 1);
  assert.equal(memory.words[2 * WORDS], 0);
  memory.protect(PROT.write, 3, 3);
  for (const page of [3, 4, 5]) memory.words[page * WORDS] = 7;
  memory.protect(PROT.read, 3, 1);
  // A zero page, a read-only one, and two that may be written.
  assert.equal((await other.ask('toDevice', memory, new Memory(4), 2, 4)).pages, 4);
  assert.deepEqual(await other.look(memory, 2, 4), [local | 1, local | 1, local | 2, local | 2]);
  // What one device has, the other does not take.
  assert.equal((await device.ask('toDevice', memory, new Memory(1), 5, 1)).error, 'ENOENT');
  for (const page of [3, 4, 5]) assert.equal(memory.words[page * WORDS], 7);
});

hmmTest('snapshot', async (device, { kind, local }, other) => {
  const memory = new Memory(7);
  memory.protect(PROT.none, 0, 2);
  memory.protect(PROT.read, 2, 2);
  assert.equal(memory.words[2 * WORDS], 0);
  memory.protect(PROT.write, 3, 1);
  memory.words[3 * WORDS] = 1;
  memory.protect(PROT.read, 3, 1);
  memory.words[4 * WORDS] = 1;
  assert.equal((await device.ask('toDevice', memory, new Memory(1), 5, 1)).pages, 1);
  assert.equal((await other.ask('toDevice', memory, new Memory(1), 6, 1)).pages, 1);
  const told = await device.look(memory);
  const elsewhere = kind === 'private' ? TOLD.none : 0x50 | TOLD.write;
  const { error, zero, read, write } = TOLD;
  assert.deepEqual(told, [error, error, zero | read, read, write, local | write, elsewhere]);
});

hmmTest('hmm_cow_in_device', async (device) => {
  const memory = new Memory(4);
  memory.words.fill(0x11111111);
  assert.equal((await device.ask('toDevice', memory, new Memory(4))).pages, 4);
  // The child's stores find pages of the device, and get copies in system memory.
  assert.equal(calls.forked(memory.mapping.address, 4 * HMM_PAGE, 0x11, 0x22), 0);
  assert.ok(memory.words.every((word) => word === 0x11111111));
  memory.fill(5);
  memory.expect(5, 'what the parent wrote');
});
