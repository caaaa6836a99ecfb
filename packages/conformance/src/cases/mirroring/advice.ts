import { type PreferredLocation, SNAPSHOT_LOCAL } from '@mirrorspace/core/driver';
import { defineCases } from '../../case.js';
import { bytesEqual, deepEqual, equal, throws } from '../../check.js';
import type { Env } from '../../env.js';
import { pattern } from '../../frames.js';
import { SpaceRig } from '../../space-rig.js';
import { openProcess } from './open-process.js';
import { onDevice, plain } from './plain.js';

/** As {@link openProcess}, with ways to advise pages, to read them by the device, and to see which are there. */
async function open(env: Env, pages: number) {
  const t = await openProcess(env, pages);
  const at = (page: number) => t.span.start + page * env.pageSize;
  const wait = { timeoutMs: env.waitMs };
  const advise = (from: number, to: number, preferred: PreferredLocation, more = {}) =>
    t.paging
      .submit([
        {
          kind: 'advise',
          mmu: t.mmu.id,
          start: at(from),
          end: at(to),
          preferred,
          readMostly: false,
          accessedBy: false,
          ...more,
        },
      ])
      .wait(wait);
  const read = async () => {
    const into = new Uint8Array(t.bytes.length);
    await t.user.submit([{ kind: 'read', mmu: t.mmu.id, address: t.span.start, into }]).wait(wait);
    return into;
  };
  const there = async () => Array.from(await t.snapshot(), (flags) => Number((flags & SNAPSHOT_LOCAL) !== 0));
  return { ...t, at, wait, advise, read, there };
}

const needs = ['mmu:mirroring', 'frames:4'];

export const adviceCommands = defineCases({ level: 'driver', area: 'migration', needs }, [
  {
    name: 'advise-preferred-location',
    rule: 'AdviseCommand: it moves nothing; an access of the device brings what should live there, and leaves what should live elsewhere',
    mend: 'hand advice to the driver that serves the device’s faults',
    needs: ['advice', 'snapshots'],
    async run(env) {
      const t = await open(env, 4);
      t.bytes.set(pattern(1, t.bytes.length));
      await t.advise(0, 2, 'device');
      await t.advise(2, 3, 'host');
      await t.advise(3, 4, 'elsewhere');
      deepEqual(await t.there(), [0, 0, 0, 0], 'what is there after the advice');
      bytesEqual(await t.read(), pattern(1, t.bytes.length), 'what the device reads');
      deepEqual(await t.there(), [1, 1, 0, 0], 'what is there after the device read all of it');
      bytesEqual(t.bytes.slice(), pattern(1, t.bytes.length), 'what the CPU loads');
    },
  },
  {
    name: 'advise-replaces',
    rule: 'AdviseCommand: it holds in place of what was said of the range before',
    mend: 'forget what a page was advised before',
    needs: ['advice', 'snapshots'],
    async run(env) {
      const t = await open(env, 3);
      t.bytes.fill(1);
      await t.advise(0, 3, 'device');
      await t.advise(1, 2, 'host');
      await t.read();
      deepEqual(await t.there(), [1, 0, 1], 'what is there after the device read all of it');
    },
  },
  {
    name: 'advise-changes-no-content',
    rule: 'AdviseCommand: it changes no content, whatever it says and however often',
    mend: 'keep copies that advice makes as coherent as all others',
    needs: ['advice'],
    cross: { preferred: ['device', 'host', 'elsewhere', 'anywhere'] },
    async run(env) {
      const t = await open(env, 3);
      const preferred = env.params['preferred'] as PreferredLocation;
      t.bytes.set(pattern(3, t.bytes.length));
      await t.advise(0, 3, preferred, { readMostly: true, accessedBy: true });
      bytesEqual(await t.read(), pattern(3, t.bytes.length), 'what the device reads');
      t.bytes.set(pattern(4, 64), env.pageSize);
      const from = pattern(5, 64);
      await t.user.submit([{ kind: 'write', mmu: t.mmu.id, address: t.at(2), from }]).wait(t.wait);
      await t.advise(0, 3, preferred);
      const expected = pattern(3, t.bytes.length);
      expected.set(pattern(4, 64), env.pageSize);
      expected.set(from, 2 * env.pageSize);
      bytesEqual(await t.read(), expected, 'what the device reads after both wrote');
      bytesEqual(t.bytes.slice(), expected, 'what the CPU loads after both wrote');
    },
  },
  {
    name: 'advice-unclaimed',
    rule: 'DeviceFeature advice: answer UNSUPPORTED to advise where it is not claimed',
    mend: 'throw UNSUPPORTED from submit',
    needs: ['!advice'],
    async run(env) {
      const t = await open(env, 1);
      throws(() => t.advise(0, 1, 'device'), ['UNSUPPORTED'], 'advise');
      equal(t.paging.depth, 0, 'depth after the refusal');
    },
  },
  {
    name: 'snapshots-unclaimed',
    rule: 'DeviceFeature snapshots: answer UNSUPPORTED to snapshot where it is not claimed, and have no way to look at once',
    mend: 'throw UNSUPPORTED from submit, and leave DeviceMmu.snapshot out',
    needs: ['!snapshots'],
    async run(env) {
      const t = await open(env, 1);
      equal(typeof t.mmu.snapshot, 'undefined', 'DeviceMmu.snapshot');
      const flags = new Uint8Array(1);
      throws(() => t.paging.submit([{ kind: 'snapshot', ...t.span, flags }]), ['UNSUPPORTED'], 'snapshot');
      equal(t.paging.depth, 0, 'depth after the refusal');
    },
  },
]);

export const advised = defineCases({ level: 'mirror', area: 'migration', needs: [...needs, 'advice', 'snapshots'] }, [
  {
    name: 'process-advice',
    rule: 'AddressSpace.advise: a device that serves its faults by itself knows what was advised, before it came, too',
    mend: 'keep what an advise command says until the memory is unmapped',
    variants: ['plain', 'subrange', 'pair'],
    async run(env) {
      // Core moves nothing: what comes, the device brought.
      const t = await SpaceRig.open(env, { placement: () => 'remote' });
      const area = await t.map({ pages: 3 });
      plain(t, area).set(pattern(7, area.bytes));
      await t.mirror.read(area.address, area.bytes);
      equal(onDevice(t, area), 0, 'pages on the device without advice');
      await t.space.advise(area.at(1), t.pageSize, { preferredLocation: t.mirror });
      bytesEqual(await t.mirror.read(area.address, area.bytes), pattern(7, area.bytes), 'what the device reads');
      equal(onDevice(t, area), 1, 'pages on the device with advice');
      await t.space.advise(area.at(1), t.pageSize, { preferredLocation: 'host' });
      await t.mirror.migrate(area.address, area.bytes, 'host');
      await t.mirror.read(area.address, area.bytes);
      equal(onDevice(t, area), 0, 'pages on the device with the opposite advice');
    },
  },
  {
    name: 'process-advice-ends',
    rule: 'AdviseCommand: it holds until the process unmaps the range, and not for what is mapped there after',
    mend: 'forget what memory was advised when it is unmapped',
    variants: ['plain'],
    async run(env) {
      const t = await SpaceRig.open(env, { placement: () => 'remote' });
      const before = t.space.map({ bytes: 3 * t.pageSize });
      await t.space.advise(before.address, before.bytes, { preferredLocation: t.mirror });
      await t.mirror.read(before.address, before.bytes);
      await t.space.unmap(before.address, before.bytes);
      const area = await t.map({ pages: 3 });
      plain(t, area).set(pattern(8, area.bytes));
      bytesEqual(await t.mirror.read(area.address, area.bytes), pattern(8, area.bytes), 'what the device reads');
      equal(onDevice(t, area), 0, 'pages on the device without advice');
    },
  },
]);
