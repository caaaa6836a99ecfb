import { addon } from '@mirrorspace/native';
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { HMM_PAGE, hmmTest, Memory, TOLD } from './device.js';
import { calls } from './process.js';

const PAGES = 16;

/** Memory of a file, mapped as often as asked: shared, like what processes share. */
function fileMemory(times: number): Memory[] {
  const file = addon().Memfd.create(PAGES * HMM_PAGE);
  const all = Array.from({ length: times }, () => new Memory(PAGES, addon().Mapping.map(file, 0, PAGES * HMM_PAGE)));
  file.close();
  return all;
}

hmmTest('file_read', async (device) => {
  const [memory] = fileMemory(1);
  const got = new Memory(PAGES);
  memory!.fill(2);
  assert.equal((await device.ask('read', memory!, got)).pages, PAGES);
  got.expect(2, 'what the device read of a file');
});

hmmTest('file_write', async (device) => {
  const [memory, again] = fileMemory(2);
  const from = new Memory(PAGES);
  from.fill(6);
  assert.equal((await device.ask('write', memory!, from)).pages, PAGES);
  again!.expect(6, 'what the device wrote to a file, seen by another mapping');
});

hmmTest('anon_write_child_shared', async (device) => {
  const [memory] = fileMemory(1);
  const from = new Memory(PAGES);
  from.words.fill(0x11111111);
  assert.equal((await device.ask('write', memory!, from)).pages, PAGES);
  assert.equal(calls.forked(memory!.mapping.address, PAGES * HMM_PAGE, 0x11, 0x22), 0);
  const got = new Memory(PAGES);
  assert.equal((await device.ask('read', memory!, got)).pages, PAGES);
  for (let page = 0; page < PAGES; page++) assert.equal(got.words[(page * HMM_PAGE) / 4], 0x11111122);
});

hmmTest('migrate_shared', async (device) => {
  const [memory] = fileMemory(1);
  memory!.fill(1);
  assert.equal((await device.ask('toDevice', memory!, new Memory(PAGES))).error, 'ENOENT');
  assert.ok((await device.look(memory!)).every((told) => told <= 2));
  memory!.expect(1, 'shared memory, which does not move');
});

hmmTest('migrate_file_private', async (device, { local }) => {
  const path = `/dev/shm/private-${process.pid}`;
  writeFileSync(path, new Uint8Array(PAGES * HMM_PAGE).fill(1));
  const file = addon().DiskFile.open(path);
  const memory = new Memory(PAGES, addon().Mapping.map(file, 0, PAGES * HMM_PAGE));
  file.close();
  const got = new Memory(PAGES);
  // What is only read is the file's page, which stays in the page cache; what was written is the process's own.
  assert.equal(memory.words[0], 0x01010101);
  assert.equal((await device.ask('toDevice', memory, got, 0, 1)).error, 'ENOENT');
  memory.fill(5);
  assert.equal((await device.ask('toDevice', memory, got)).pages, PAGES);
  got.expect(5, 'what the device has');
  assert.deepEqual([...new Set(await device.look(memory))], [local | TOLD.write]);
  memory.expect(5, 'what came home');
  assert.ok(readFileSync(path).every((byte) => byte === 1));
  rmSync(path);
});

hmmTest('mixedmap', async (device, _kind, other) => {
  // Memory that a driver maps itself, here the test device's: not anonymous, and not to be moved.
  const memory = new Memory(2, addon().Mapping.map(device.file.descriptor, 0, 2 * HMM_PAGE));
  assert.deepEqual(await other.look(memory), [TOLD.write, TOLD.write]);
  const from = new Memory(2);
  from.fill(8);
  assert.equal((await other.ask('write', memory, from)).pages, 2);
  memory.expect(8, 'what a device wrote to the memory of another driver');
  assert.equal((await other.ask('toDevice', memory, new Memory(2))).error, 'EINVAL');
  assert.deepEqual(await other.look(memory), [TOLD.write, TOLD.write]);
  // A mapping keeps the node's file open; the driver sends home what everybody has on the device when that is closed.
  memory.mapping.unmap();
});

hmmTest('double_map', async (device, kind, other) => {
  // The C test maps one memory twice by two devices: what one writes the other reads.
  const memory = new Memory(PAGES);
  const got = new Memory(PAGES);
  memory.fill(1);
  memory.protect(1);
  assert.equal((await device.ask('read', memory, got)).pages, PAGES);
  got.expect(1, 'what the first device read');
  assert.equal((await other.ask('read', memory, got)).pages, PAGES);
  got.expect(1, 'what the second device read');
  // The first takes it; the second finds it there, or has it brought home.
  memory.protect(3);
  assert.equal((await device.ask('toDevice', memory, got)).pages, PAGES);
  got.words.fill(0);
  assert.equal((await other.ask('read', memory, got)).pages, PAGES);
  got.expect(1, 'what the second device read of the first');
  const flags = await device.look(memory);
  assert.ok(flags.every((told) => (kind.kind === 'coherent' ? told === (kind.local | 2) : told === 2)));
});
