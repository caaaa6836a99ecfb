import { type RangeCommand, SNAPSHOT_ERROR, SNAPSHOT_LOCAL } from '@mirrorspace/core/driver';
import { defineCases } from '../../case.js';
import { bytesEqual, equal, ok, rejects, throws } from '../../check.js';
import type { Env } from '../../env.js';
import { pattern } from '../../frames.js';
import { openProcess } from './open-process.js';

const needs = ['mmu:mirroring', 'frames:4'];

/** Commands on ranges, by the feature that they need. */
const KINDS_BY_FEATURE: Readonly<Record<string, readonly string[]>> = {
  '': ['prefetch', 'migrate', 'exclusive'],
  snapshots: ['snapshot'],
  advice: ['advise'],
};

/** What commands on `pages` pages have beside their range, of all kinds. */
function fields(pages: number) {
  return {
    to: 'device',
    moved: new Uint32Array(1),
    flags: new Uint8Array(pages),
    taken: new Uint32Array(1),
    preferred: 'device',
    readMostly: false,
    accessedBy: false,
  } as const;
}

async function malformed(env: Env): Promise<void> {
  const t = await openProcess(env, 2);
  const kind = env.params['kind'] as 'prefetch';
  const spans: RangeCommand[] = [
    { ...t.span, start: t.span.start + 8 },
    { ...t.span, end: t.span.end - 8 },
    { ...t.span, end: t.span.start - env.pageSize },
    { ...t.span, start: -env.pageSize },
  ];
  for (const span of spans)
    throws(() => t.paging.submit([{ ...fields(2), ...span, kind }]), ['RangeError'], 'a malformed range');
  equal(t.paging.depth, 0, 'depth after the refusals');
}

export const mirroringCommands = defineCases({ level: 'driver', area: 'migration', needs }, [
  {
    name: 'migrate-tells-what-moved',
    rule: 'MigrateCommand: moved[0] receives the number of pages moved, as snapshots show it',
    mend: 'count by where pages are, not by what the driver returns',
    tags: ['hmm:migrate', 'hmm:snapshot'],
    needs: ['snapshots'],
    async run(env) {
      const t = await openProcess(env, 4);
      t.bytes.set(pattern(1, t.bytes.length));
      const moved = new Uint32Array(1);
      const move = (to: 'device' | 'host') =>
        t.paging.submit([{ kind: 'migrate', ...t.span, to, moved }]).wait({ timeoutMs: env.waitMs });
      equal(await t.local(), 0, 'pages there at first');
      for (const [to, count, there] of [
        ['device', 4, 4],
        ['device', 0, 4],
        ['host', 4, 0],
        ['host', 0, 0],
      ] as const) {
        await move(to);
        equal(moved[0], count, `pages moved to the ${to}`);
        equal(await t.local(), there, `pages there after moving to the ${to}`);
      }
      bytesEqual(t.bytes.slice(), pattern(1, t.bytes.length), 'what the CPU loads');
    },
  },
  {
    name: 'snapshot-at-once',
    rule: 'DeviceMmu.snapshot: finds what a snapshot command finds',
    mend: 'ask the driver the same',
    tags: ['hmm:snapshot'],
    needs: ['snapshots'],
    async run(env) {
      const t = await openProcess(env, 3);
      t.bytes.fill(1);
      const moved = new Uint32Array(1);
      const span = { ...t.span, end: t.span.start + env.pageSize };
      await t.paging.submit([{ kind: 'migrate', ...span, to: 'device', moved }]).wait({ timeoutMs: env.waitMs });
      const flags = new Uint8Array(3);
      t.mmu.snapshot!(t.span.start, flags);
      bytesEqual(flags, await t.snapshot(), 'flags');
      ok((flags[0]! & SNAPSHOT_LOCAL) !== 0 && (flags[1]! & (SNAPSHOT_LOCAL | SNAPSHOT_ERROR)) === 0, 'where they are');
    },
  },
  {
    name: 'prefetch-moves-nothing',
    rule: 'PrefetchCommand: brings a range into the device page table without moving data',
    mend: 'map pages where they are',
    needs: ['snapshots'],
    async run(env) {
      const t = await openProcess(env, 3);
      t.bytes.set(pattern(2, t.bytes.length));
      await t.paging.submit([{ kind: 'prefetch', ...t.span }]).wait({ timeoutMs: env.waitMs });
      equal(await t.local(), 0, 'pages there');
      const into = new Uint8Array(t.bytes.length);
      await t.user
        .submit([{ kind: 'read', mmu: t.mmu.id, address: t.span.start, into }])
        .wait({ timeoutMs: env.waitMs });
      bytesEqual(into, pattern(2, t.bytes.length), 'what the device reads');
    },
  },
  {
    name: 'malformed-ranges',
    rule: 'RangeCommand: whole pages, in order; nothing is enqueued otherwise',
    mend: 'check with checkCommands of the kit',
    cross: { kind: ['prefetch', 'migrate', 'snapshot', 'exclusive'] },
    run: malformed,
  },
  {
    name: 'malformed-ranges',
    rule: 'RangeCommand: whole pages, in order; nothing is enqueued otherwise',
    mend: 'check with checkCommands of the kit',
    needs: ['advice'],
    cross: { kind: ['advise'] },
    run: malformed,
  },
  ...['', 'snapshots', 'advice'].map((feature) => ({
    name: 'addresses-of-others',
    rule: 'RangeCommand: what is no memory that devices may reach is refused with ADDRESS_NOT_MAPPED',
    mend: 'never hand an address to a driver that is not known to be the user’s memory',
    needs: feature === '' ? [] : [feature],
    cross: { kind: KINDS_BY_FEATURE[feature]! },
    async run(env: Env) {
      const t = await openProcess(env, 1);
      const span = { ...t.span, start: env.pageSize, end: 2 * env.pageSize };
      const fence = t.paging.submit([{ ...fields(1), ...span, kind: env.params['kind'] as 'prefetch' }]);
      await rejects(fence.wait({ timeoutMs: env.waitMs }), ['ADDRESS_NOT_MAPPED'], 'the first page of addresses');
    },
  })),
  {
    name: 'exclusive-tells-what-was-taken',
    rule: 'ExclusiveCommand: taken[0] receives how many pages are the device’s alone, until the CPU touches them',
    mend: 'count by what the driver says afterwards',
    tags: ['hmm:exclusive'],
    async run(env) {
      const t = await openProcess(env, 3);
      t.bytes.set(pattern(3, t.bytes.length));
      const taken = new Uint32Array(1);
      await t.paging.submit([{ kind: 'exclusive', ...t.span, taken }]).wait({ timeoutMs: env.waitMs });
      equal(taken[0], 3, 'pages taken');
      bytesEqual(t.bytes.slice(), pattern(3, t.bytes.length), 'what the CPU loads');
    },
  },
]);
