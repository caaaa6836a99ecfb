import { expect, it } from 'vitest';
import { rows } from './all-rows.js';
import { publicApi } from './public-api.js';

const ENTRIES = ['packages/core/src/index.ts', 'backends/memory/src/index.ts'];

/** What the table leaves out, and why. */
const EXEMPT: readonly (readonly [name: RegExp, why: string])[] = [
  [/^Space\./, 'AddressSpace inherits it'],
  [
    /^(new )?(Mirror|AddressSpace|Space|Region|MirrorError|IntervalNotifier|ValidatedDevice)$/,
    'made by core; the types say what it takes',
  ],
  [
    /^new (Mirror|AddressSpace|Space|Region|MirrorError|IntervalNotifier|NotifierList|ValidatedDevice|Tracer|SimClock|Counters)$/,
    'made by core, or takes nothing that can be wrong',
  ],
  [
    /^(ByteSource|NotifierOptions|PrefetchRequest|CheckContext|JsProgram|UnitContext|Timeline|NotifierHost|HostFrames|SwapStore|SwapFile|SwapAccessHandle|SourceFile|SourceAccessHandle|BlobLike)\./,
    'implemented by others and called by us',
  ],
  [/^DeviceMmu\.snapshot$/, 'of mirroring devices; core calls it with ranges that it has checked'],
  [/^DenseBlocks\.pageOf$/, 'called for every record of a trace'],
  [/^UvmThrashing\.(note|hint|isThrashing)$/, 'called for every page that moves: times and pages come from core'],
  [
    /^(EvictionPolicy|PrefetchPolicy|ThrashingPolicy|PageTracker)\./,
    'an interface; its implementations are in the table',
  ],
  [/^[A-Z]\w*Eviction\.(touch|remove|victims|candidates)$/, 'called for every page: documented as unchecked'],
  [/^[A-Z]\w*Prefetch\.(plan|feedback)$|^ActiveWindow\.onRound$/, 'called for every batch, by core'],
  [/^(HostMemory\.pageOut$|LiveMemory\.|LiveRange\.|SourceFrames\.)/, 'implemented by others and called by us'],
  [/^HostMemory\.(zero|commit|view|bufferOf|offsetOf)$/, 'called for every page; frames come from allocate'],
  [/^(new IdList$|IdList\.)/, 'called for every page; core makes it and a tracker appends to it'],
  [/^DirtyPtes\./, 'called for every entry, by the invalidate path (R4)'],
  [
    /^(FaultSource\.|Mirror\.(advised|bring|bringPinned|checkAttachedTo|pin|unpin)$|NotifierList\.(idle|remove)$|IntervalNotifier\.readRetry$)/,
    'called by core, for advice and service',
  ],
  [
    /^(whenSettled|hasSettled|throwIfAborted|onTouch|uvmResidency|atPreferred|firstTouchAtPreferred|byAccessedBy|readDuplication|createFaultBatch|Tracer\.emit|SimClock\.cancel|Counters\.of|chromeTrace)$/,
    'takes what core or a backend made',
  ],
  [/^(memory|Backend|MemoryBackend)\.probe$|^isTracePageSize$/, 'never fails: it reports'],
  [/^(Backend|MemoryBackend)\.open$/, 'an interface; memory.open is in the table'],
  [/^AddressSpace\.rearrange$/, 'Region.remapPages goes through it'],
  [/^ValidatedDevice\.createMmu$/, 'Device.createMmu goes through it'],
];
/** Folders with tables of their own. */
const EXEMPT_FILES: readonly (readonly [file: RegExp, why: string])[] = [
  [/^kit\//, 'the vendor’s kit is reached through CommandQueue.submit'],
];

it('has rows for everything public that takes arguments', () => {
  const covered = new Set(rows.map((row) => row.api));
  const api = publicApi(ENTRIES);
  const missing = api.filter(
    ({ name, file }) =>
      !covered.has(name) &&
      !EXEMPT.some(([pattern]) => pattern.test(name)) &&
      !EXEMPT_FILES.some(([pattern]) => pattern.test(file)),
  );
  expect(missing.map(({ name, file }) => `${name} (${file})`)).toEqual([]);
  expect(api.length).toBeGreaterThan(80);
}, 60_000);

it('has rows for public things only', () => {
  const names = new Set(publicApi(ENTRIES).map(({ name }) => name));
  const closed = new Set(['AddressSpace.flush', 'AddressSpace.fork', 'Held.release', 'NotifierList.end']);
  expect([...new Set(rows.map((row) => row.api))].filter((api) => !names.has(api) && !closed.has(api))).toEqual([]);
}, 60_000);

it('exempts nothing that is gone', () => {
  const api = publicApi(ENTRIES);
  expect(
    EXEMPT.filter(([pattern]) => !api.some(({ name }) => pattern.test(name))).map(([pattern]) => String(pattern)),
  ).toEqual([]);
}, 60_000);
