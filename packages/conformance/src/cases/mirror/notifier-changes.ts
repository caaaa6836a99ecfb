import type { AddressSpace, HostMigrationPolicy, NotifierEventKind, Region } from '@mirrorspace/core';
import { defineCases } from '../../case.js';
import { bytesEqual, equal, ok, rejects } from '../../check.js';
import type { Env } from '../../env.js';
import { pattern } from '../../frames.js';
import type { PageSpan } from '../../page-span.js';
import { ON_DEVICE, ON_HOST, SpaceRig, type SpanOptions, WRITABLE } from '../../space-rig.js';
import { agree, BY_DEVICE, enter, OLD, SPAN, type State, STATES } from './notifier-states.js';
import { ElasticFile } from './truncate.js';

const PAGES = 4;
/** The page whose entry changes, and another one with contents. */
const PAGE = 1;
const OTHER_PAGE = 3;
const BY_CPU = pattern(3, SPAN);
const OTHER = pattern(4, SPAN);
const LAST = pattern(5, SPAN);
const ZEROS = new Uint8Array(SPAN);

/** A space with pages of which one changes. */
interface Place {
  readonly t: SpaceRig;
  readonly area: PageSpan;
  readonly source: ElasticFile;
  /** Address of the page that changes. */
  readonly at: number;
  readonly state: State;
  /** Whether nothing was under way when the page changed. */
  readonly settled: boolean;
  child?: AddressSpace;
}

/** What the device did. */
interface Outcome {
  /** Its store took effect. */
  readonly wrote: boolean;
  /** Its store went on beside the change. */
  readonly racing: boolean;
}

interface Change {
  readonly kind: NotifierEventKind;
  readonly memory?: 'file';
  /** Whether the page is shared when it changes. */
  readonly shared?: boolean;
  prepare?(place: Place): Promise<void>;
  run(place: Place): unknown;
  check(place: Place, outcome: Outcome): Promise<void>;
}

const kept = (wrote: boolean): Uint8Array => (wrote ? BY_DEVICE : OLD);
const regionOf = ({ t, at }: Place): Region => t.space.regionAt(at)!;
const whereIs = ({ t, at }: Place): number => t.mirror.residency(at, t.pageSize)[0]!;

/** After a change that leaves contents as they are: they are, and nothing stale comes up when either side goes on. */
async function unchanged({ t, at }: Place, { wrote }: Pick<Outcome, 'wrote'>): Promise<void> {
  await agree(t, at, [kept(wrote)], 'the page after the change');
  await t.mirror.write(at, OTHER);
  await agree(t, at, [OTHER], 'the page after the device’s next store');
  await t.space.write(at, LAST);
  await agree(t, at, [LAST], 'the page after the CPU’s next store');
}

/** After a change that gives the page other contents, beside which a store of the device may have gone to the new ones. */
async function replaced({ t, at }: Place, { wrote, racing }: Outcome, by: Uint8Array): Promise<boolean> {
  const found = await agree(t, at, [by, ...(wrote && racing ? [BY_DEVICE] : [])], 'the page after the change');
  return found === by;
}

const hostMigration = (devicePages: HostMigrationPolicy): Change => ({
  kind: 'migrate',
  run: ({ t, area }) => t.space.relocate(area.address, area.bytes, { devicePages }),
  check: unchanged,
});

const remapPages = (form: 'callback' | 'unmap-flush'): Change => ({
  kind: 'clear',
  run(place) {
    const { area, t } = place;
    const region = regionOf(place);
    const offsetOf = (page: number): number => area.at(page) - region.address;
    return region.remapPages({ offset: offsetOf(PAGE), bytes: t.pageSize, from: offsetOf(OTHER_PAGE), form });
  },
  async check(place, outcome) {
    const before = await replaced(place, outcome, OTHER);
    await agree(place.t, place.area.at(OTHER_PAGE), [kept(outcome.wrote && before)], 'the page at its new place');
  },
});

const copyOnWrite = (by: 'space' | 'mirror'): Change => ({
  kind: 'clear',
  shared: true,
  async prepare(place) {
    const child = await place.t.space.fork();
    place.child = child;
    place.t.env.defer(() => child.close());
  },
  run: ({ t, at }) => t[by].write(at, BY_CPU),
  async check(place, outcome) {
    await replaced(place, outcome, BY_CPU);
    bytesEqual(await place.child!.read(place.at, SPAN), OLD, 'the page of the fork');
  },
});

/** Changes of entries that any driver must follow. */
const CHANGES: Readonly<Record<string, Change>> = {
  unmap: {
    kind: 'unmap',
    run: ({ t, at }) => t.space.unmap(at, t.pageSize),
    async check({ t, at }) {
      await agree(t, at, ['ADDRESS_NOT_MAPPED'], 'the page after the change');
      t.space.map({ bytes: t.pageSize, address: at, fixed: true });
      await agree(t, at, [ZEROS], 'another page at its address');
    },
  },
  'map-over': {
    kind: 'unmap',
    async run({ t, at }) {
      t.space.map({ bytes: t.pageSize, address: at, fixed: true });
      await t.space.flush();
    },
    check: async (place, outcome) => void (await replaced(place, outcome, ZEROS)),
  },
  'protect-read': {
    kind: 'protection',
    run: ({ t, at }) => t.space.protect(at, t.pageSize, 'read'),
    async check(place, outcome) {
      const { t, at } = place;
      await agree(t, at, [kept(outcome.wrote)], 'the page after the change');
      await rejects(t.mirror.write(at, OTHER), ['ACCESS_DENIED'], 'a store of the device');
      await t.space.protect(at, t.pageSize, 'read-write');
      await unchanged(place, outcome);
    },
  },
  'protect-none': {
    kind: 'protection',
    run: ({ t, at }) => t.space.protect(at, t.pageSize, 'none'),
    async check(place, outcome) {
      const { t, at } = place;
      await agree(t, at, ['ACCESS_DENIED'], 'the page after the change');
      await t.space.protect(at, t.pageSize, 'read-write');
      await unchanged(place, outcome);
    },
  },
  remap: {
    kind: 'unmap',
    run: ({ t, at, area }) => t.space.remap(at, t.pageSize, { address: area.at(OTHER_PAGE) }),
    async check(place, outcome) {
      await agree(place.t, place.at, ['ADDRESS_NOT_MAPPED'], 'the page’s old address');
      await unchanged({ ...place, at: place.area.at(OTHER_PAGE) }, outcome);
    },
  },
  'remap-pages': remapPages('callback'),
  'remap-pages-unmapped': remapPages('unmap-flush'),
  truncate: {
    kind: 'clear',
    memory: 'file',
    run: ({ t, source }) => t.space.truncate(source, PAGE * t.pageSize),
    async check({ t, at, source }) {
      await agree(t, at, ['IO'], 'the page behind the end');
      source.size = PAGES * t.pageSize;
      await agree(t, at, [ZEROS], 'the page of the file that is longer again');
    },
  },
  clear: {
    kind: 'clear',
    run: ({ t, at }) => t.space.dontNeed(at, t.pageSize),
    check: async (place, outcome) => void (await replaced(place, outcome, ZEROS)),
  },
  'take-bits': {
    kind: 'soft-dirty',
    async run({ t, at }) {
      t.space.written(at, t.pageSize);
      await t.mirror.harvest(at, t.pageSize);
    },
    check: unchanged,
  },
  merge: {
    kind: 'clear',
    async prepare({ t, area }) {
      await t.space.write(area.at(0), OLD);
      await t.space.advise(area.address, area.bytes, { mergeable: true });
    },
    async run(place) {
      const { merged, refused } = await place.t.space.merge();
      if (!place.settled) return;
      const free = (whereIs(place) & ON_DEVICE) === 0;
      equal(merged, Number(free), 'entries that were merged');
      equal(refused, Number(!free), 'entries that were left alone');
    },
    async check(place, outcome) {
      await agree(place.t, place.area.at(0), [OLD], 'the page that was equal');
      await unchanged(place, outcome);
      await agree(place.t, place.area.at(0), [OLD], 'the page that was equal, in the end');
    },
  },
  'host-forbid': hostMigration('forbid'),
  'host-migrate': hostMigration('migrate'),
  'host-unmap': hostMigration('unmap'),
  'copy-by-cpu': copyOnWrite('space'),
  'copy-by-device': copyOnWrite('mirror'),
  'to-host': {
    kind: 'migrate',
    async run(place) {
      await place.t.mirror.migrate(place.at, place.t.pageSize, 'host');
      if (place.settled) equal(whereIs(place) & ON_DEVICE, 0, 'what the device has of the page');
    },
    check: unchanged,
  },
  'to-device': {
    kind: 'migrate',
    async run(place) {
      await place.t.mirror.migrate(place.at, place.t.pageSize, 'device');
      if (place.settled) ok((whereIs(place) & WRITABLE) !== 0, 'the device owns the page');
    },
    check: unchanged,
  },
  exclusive: {
    kind: 'exclusive',
    async run(place) {
      const pages = await place.t.mirror.exclusive(place.at, place.t.pageSize);
      if (place.settled) equal(pages, 1, 'pages that the device owns');
    },
    check: unchanged,
  },
  close: {
    kind: 'release',
    run: ({ t }) => t.space.close(),
    async check({ t, at }) {
      await rejects(t.mirror.read(at, SPAN), ['CLOSED'], 'a read of the device afterwards');
    },
  },
};

/** Changes of what is in host memory at all. */
const RECLAIM: Readonly<Record<string, Change>> = {
  reclaim: {
    kind: 'clear',
    async run(place) {
      const { t } = place;
      // What the device used since it was last asked stays the first time, and until it is known that the access has ended.
      for (let pass = 0; pass < 8; pass++) {
        await t.space.reclaim(64 * t.pageSize);
        await t.env.turn();
      }
      if (place.settled) equal(whereIs(place) & (ON_HOST | ON_DEVICE), 0, 'where the page is');
    },
    check: unchanged,
  },
  'page-out': {
    kind: 'clear',
    async run(place) {
      const { t, at } = place;
      const used = (whereIs(place) & ON_DEVICE) !== 0;
      const freed = await t.space.pageOut(at, t.pageSize);
      if (place.settled) equal(freed, used ? 0 : t.pageSize, 'bytes freed');
    },
    check: unchanged,
  },
};

async function open(env: Env, change: Change): Promise<Place> {
  const t = await SpaceRig.open(env, { reclaim: {} });
  const source = new ElasticFile(6, PAGES * t.pageSize);
  const options: SpanOptions = { pages: PAGES, ...(change.memory === 'file' && { source, share: 'shared' }) };
  const area = await t.map(options);
  // From the last to the first, so that host migration finds something to do.
  await t.space.write(area.at(OTHER_PAGE), OTHER);
  await t.space.write(area.at(PAGE), OLD);
  const state = env.params['state'] as State;
  const settled = state !== 'in-flight' && state !== 'faulting';
  const place: Place = { t, area, source, at: area.at(PAGE), state, settled };
  await change.prepare?.(place);
  return place;
}

/** Changes the page while the device is in a state; both sides must agree afterwards, and somebody else must have been told. */
async function change(env: Env, changes: Readonly<Record<string, Change>>): Promise<void> {
  const chosen = changes[String(env.params['change'])]!;
  const place = await open(env, chosen);
  const { t, at, state } = place;
  const told = new Set<NotifierEventKind>();
  const settled = await enter(t, at, state, chosen.shared === true);
  const notifier = t.space.notifiers.insert({
    start: at,
    end: at + t.pageSize,
    invalidate: ({ kind }) => void told.add(kind),
  });
  env.at(`the change, page ${state}`);
  await chosen.run(place);
  if (state === 'absent') ok(told.has(chosen.kind), `an event “${chosen.kind}” among: ${[...told].join(', ')}`);
  const wrote = await settled();
  notifier.remove();
  await chosen.check(place, { wrote, racing: state === 'faulting' });
}

const rule =
  'R1, R2, NotifierEvent: each change of the CPU page table reaches the device, whatever it has of the page or does with it';

export const eachChange = defineCases({ level: 'mirror', area: 'notifier', tags: ['rfc:intercept'] }, [
  {
    name: 'each-change',
    rule,
    mend: 'take entries away in the order of the commands, also those that a submission before has only just made; report the dirty bit with the unmap; translate a stalled access anew when it is replayed',
    cross: { change: Object.keys(CHANGES), state: STATES },
    run: (env) => change(env, CHANGES),
  },
  {
    name: 'each-reclaim',
    rule,
    mend: 'unmap, flushTlb and copyOut in one submission, in this order; report the dirty bit with the unmap',
    needs: ['mmu:managed'],
    cross: { change: Object.keys(RECLAIM), state: STATES },
    run: (env) => change(env, RECLAIM),
  },
]);
