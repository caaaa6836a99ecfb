import {
  accessHandleSource,
  accessHandleSwap,
  type AddressSpace,
  blobSource,
  bytesSource,
  createSpace,
  fileSource,
  fileSwap,
  type HoldOptions,
  type HostMigrationOptions,
  managedMemory,
  memorySwap,
} from '@mirrorspace/core';
import { PAGE, pattern } from '../space/helpers.js';
import { detachedBytes, Rows } from './rows.js';
import { BASE } from './world.js';

const FREE = BASE + 64 * PAGE;
const NO_FILE = {
  read: () => Promise.resolve({ bytesRead: 0 }),
  write: () => Promise.resolve({ bytesWritten: 0 }),
};

const SOME_FILE = {
  ...NO_FILE,
  stat: () => Promise.resolve({ size: PAGE, mtimeMs: 0 }),
  truncate: () => Promise.resolve(),
  sync: () => Promise.resolve(),
};
const SOME_HANDLE = {
  getSize: () => PAGE,
  read: () => 0,
  write: () => 0,
  truncate: () => undefined,
  flush: () => undefined,
};

const create = new Rows('createSpace', 'async')
  .type('options', [null, 5, 'x'], (_, options) => createSpace(options))
  .number('pageSize', [NaN, 0, -4096, 2048, 4097, 6144, 4 << 20, Infinity, 2 ** 53], (_, pageSize) =>
    createSpace({ pageSize: pageSize ?? ('x' as never) }),
  )
  .number('addressBits', [NaN, 31, 48, 40.5, -1, Infinity], (_, addressBits) => createSpace({ addressBits }))
  .bad('pageSize that differs from the host memory’s', 'RangeError', ({ host }) =>
    createSpace({ host, pageSize: 65_536 }),
  )
  .number('timeoutMs', [NaN, 0, -1, Infinity, 2 ** 31], (_, timeoutMs) => createSpace({ timeoutMs }))
  .type('host', [5, 'x', {}], (_, host) => createSpace({ host }))
  .type('trace', [5, 'x', {}, null], (_, trace) => createSpace({ trace }));

const map = new Rows('AddressSpace.map', 'sync')
  .type('options', [undefined, null, 5, 'x'], ({ space }, options) => space.map(options))
  .bytes('bytes', ({ space }, bytes) => space.map({ bytes }))
  .type('bytes', [undefined], ({ space }, bytes) => space.map({ bytes }))
  .address('address', ({ space }, address) => space.map({ bytes: PAGE, address }))
  .address('fixed address', ({ space }, address) => space.map({ bytes: PAGE, address, fixed: true }))
  .bad('fixed without an address', 'TypeError', ({ space }) => space.map({ bytes: PAGE, fixed: true }))
  .bad('fixed at 0', 'RangeError', ({ space }) => space.map({ bytes: PAGE, address: 0, fixed: true }))
  .bad('fixed, not aligned', 'RangeError', ({ space }) => space.map({ bytes: PAGE, address: BASE + 8, fixed: true }))
  .bad('fixed, beyond the end', 'RangeError', ({ space }) =>
    space.map({ bytes: 2 * PAGE, address: 2 ** 47 - PAGE, fixed: true }),
  )
  .type('fixed', ['yes', 1, null], ({ space }, fixed) => space.map({ bytes: PAGE, address: BASE, fixed }))
  .type('access', ['write', 3, {}], ({ space }, access) =>
    space.map({ bytes: PAGE, address: BASE, fixed: true, access }),
  )
  .type('live', ['yes', 1, null], ({ space }, live) => space.map({ bytes: PAGE, address: BASE, fixed: true, live }))
  .bad('live on memory that is not', 'UNSUPPORTED', ({ space }) => space.map({ bytes: PAGE, live: true }))
  .type('share', ['both', 3, null], ({ space }, share) => space.map({ bytes: PAGE, address: BASE, fixed: true, share }))
  .type('name', [5, {}], ({ space }, name) => space.map({ bytes: PAGE, name }))
  .type('source', [null, 5, {}, { size: PAGE }], ({ space }, source) => space.map({ bytes: PAGE, source }))
  .number('size of a source', [NaN, -1, Infinity, 0.5], ({ space }, size) =>
    space.map({ bytes: PAGE, source: { size, read: () => undefined } }),
  )
  .number('offset', [NaN, -PAGE, 8, 2 * PAGE, 2 ** 53, Infinity], ({ space, source }, offset) =>
    space.map({ bytes: PAGE, source, offset }),
  )
  .bad('offset without a source', 'TypeError', ({ space }) => space.map({ bytes: PAGE, offset: 0 }))
  .bad('more than the source has', 'RangeError', ({ space, source }) => space.map({ bytes: 3 * PAGE, source }))
  .bad('shared and writable over a source that is not', 'INVALID_ARGUMENT', ({ space }) =>
    space.map({
      bytes: PAGE,
      source: { size: PAGE, read: () => undefined },
      share: 'shared',
      address: BASE,
      fixed: true,
    }),
  )
  .bad('a closed space', 'CLOSED', ({ closedSpace }) => closedSpace.map({ bytes: PAGE }));

const regionAt = new Rows('AddressSpace.regionAt', 'sync')
  .address('address', ({ space }, address) => space.regionAt(address))
  .type('address', [undefined], ({ space }, address) => space.regionAt(address));

/** A mirror of the space, where it has one. */
function anyMirror(space: AddressSpace): object {
  for (const mirror of space.state.mirrors) return mirror;
  return {};
}

type RangeMethod = (space: AddressSpace, start: number, bytes: number) => unknown;

/** Rows that every method on a range has in common. */
function onRange(
  api: string,
  call: RangeMethod,
  kind: 'sync' | 'async' = 'async',
  end: 'RangeError' | 'none' = 'RangeError',
): Rows {
  const rows = new Rows(api, kind)
    .address('start', ({ space }, start) => call(space, start, PAGE))
    .bytes('bytes', ({ space }, bytes) => call(space, BASE, bytes))
    .type('bytes', [undefined], ({ space }, bytes) => call(space, BASE, bytes))
    .bad('a closed space', 'CLOSED', ({ closedSpace }) => call(closedSpace, BASE, PAGE));
  if (end === 'none') return rows;
  return rows.bad('a range beyond the end', end, ({ space }) => call(space, 2 ** 47 - PAGE, 2 * PAGE));
}

/** Rows of methods that need what they name to be mapped. */
function onMapped(api: string, call: RangeMethod): Rows {
  return onRange(api, call)
    .bad('nothing mapped', 'ADDRESS_NOT_MAPPED', ({ space }) => call(space, FREE, PAGE))
    .bad('a hole at the end', 'ADDRESS_NOT_MAPPED', ({ space }) => call(space, BASE, 7 * PAGE))
    .bad('2^43 bytes of which little is mapped', 'ADDRESS_NOT_MAPPED', ({ space }) => call(space, BASE, 2 ** 43));
}

/** Rows of what takes options of host migration. */
function moving(rows: Rows, call: (space: AddressSpace, options: HostMigrationOptions) => unknown): Rows {
  return rows
    .type('options', [null, 5, 'x'], ({ space }, options) => call(space, options))
    .type('devicePages', ['hook', 5, null, {}], ({ space }, devicePages) => call(space, { devicePages }))
    .type('signal', [5, 'x', {}, null], ({ space }, signal) => call(space, { signal }))
    .type('onProgress', [5, 'x', {}], ({ space }, onProgress) => call(space, { onProgress }))
    .bad('an aborted signal', 'ABORTED', ({ space }) => call(space, { signal: AbortSignal.abort() }));
}

const compact = moving(new Rows('AddressSpace.compact', 'async'), (space, options) => space.compact(options)).bad(
  'a closed space',
  'CLOSED',
  ({ closedSpace }) => closedSpace.compact(),
);

const keeping = [
  create
    .type('reclaim', [null, 5, 'x'], (_, reclaim) => createSpace({ reclaim }))
    .number('budget', [NaN, 0, -1, 4095], (_, budget) => createSpace({ reclaim: { budget } }))
    .type('swap', [null, 5, {}, { size: PAGE }], (_, swap) => createSpace({ reclaim: { swap } }))
    .bad('a swap store without room for a page', 'RangeError', () =>
      createSpace({ reclaim: { swap: memorySwap(PAGE - 1) } }),
    )
    .type('lists', ['both', 5, null], (_, lists) => createSpace({ reclaim: { lists } }))
    .bad('an unknown order', 'INVALID_ARGUMENT', () => createSpace({ reclaim: { order: 'best' as never } }))
    .number('reclaim timeoutMs', [NaN, 0, -1, 2 ** 31], (_, timeoutMs) => createSpace({ reclaim: { timeoutMs } })),
  new Rows('AddressSpace.reclaim', 'async')
    .bytes('bytes', ({ space }, bytes) => space.reclaim(bytes))
    .bad('a space without reclaim options', 'UNSUPPORTED', ({ space }) => space.reclaim(PAGE))
    .bad('a closed space', 'CLOSED', ({ closedSpace }) => closedSpace.reclaim(PAGE)),
  new Rows('AddressSpace.pageOut', 'async')
    .address('start', ({ space }, start) => space.pageOut(start, PAGE))
    .bytes('bytes', ({ space }, bytes) => space.pageOut(BASE, bytes))
    .bad('nothing mapped', 'ADDRESS_NOT_MAPPED', ({ space }) => space.pageOut(FREE, PAGE))
    .bad('a space without reclaim options', 'UNSUPPORTED', ({ space }) => space.pageOut(BASE, PAGE))
    .bad('a closed space', 'CLOSED', ({ closedSpace }) => closedSpace.pageOut(BASE, PAGE)),
  new Rows('AddressSpace.truncate', 'async')
    .type('source', [undefined, null, 5, {}], ({ space }, source) => space.truncate(source, 0))
    .number('size', [NaN, -1, 0.5, Infinity, 2 ** 53], ({ space, source }, size) => space.truncate(source, size))
    .bad('a source that is longer and cannot be truncated', 'INVALID_ARGUMENT', ({ space, source }) =>
      space.truncate(source, PAGE),
    )
    .bad('a closed space', 'CLOSED', ({ closedSpace, source }) => closedSpace.truncate(source, 0)),
  new Rows('Region.remapPages', 'async')
    .type('options', [undefined, null, 5], ({ region }, options) => region.remapPages(options))
    .number('offset', [NaN, -PAGE, 8, 4 * PAGE], ({ region }, offset) =>
      region.remapPages({ offset, bytes: PAGE, from: PAGE }),
    )
    .number('bytes', [NaN, 0, -PAGE, 8, 5 * PAGE], ({ region }, bytes) =>
      region.remapPages({ offset: 0, bytes, from: 2 * PAGE }),
    )
    .number('from', [NaN, -PAGE, 8, 4 * PAGE], ({ region }, from) =>
      region.remapPages({ offset: 0, bytes: PAGE, from }),
    )
    .type('form', ['both', 5, null], ({ region }, form) =>
      region.remapPages({ offset: 0, bytes: PAGE, from: PAGE, form }),
    )
    .bad('ranges that overlap', 'RangeError', ({ region }) =>
      region.remapPages({ offset: 0, bytes: 2 * PAGE, from: PAGE }),
    )
    .bad('more than the source has', 'RangeError', ({ file }) =>
      file.remapPages({ offset: 0, bytes: PAGE, from: 2 * PAGE }),
    )
    .bad('a closed region', 'CLOSED', ({ closedRegion }) =>
      closedRegion.remapPages({ offset: 0, bytes: PAGE, from: 0 }),
    ),
  new Rows('memorySwap', 'sync').number('bytes', [NaN, 0, -1, 0.5, 2 ** 53], (_, bytes) => memorySwap(bytes)),
  new Rows('blobSource', 'sync')
    .type('blob', [undefined, null, 5, 'x', {}, { size: 'x', slice: () => null }], (_, blob) => blobSource(blob))
    .bad('size of a blob', 'RangeError', () => blobSource({ size: -1, slice: () => new Blob() }))
    .type('options', [null, 5, 'x'], (_, options) => blobSource(new Blob(), options))
    .type('name', [5, {}], (_, name) => blobSource(new Blob(), { name })),
  new Rows('fileSource', 'async')
    .type('file', [undefined, null, 5, 'x', {}], (_, file) => fileSource(file))
    .type('options', [null, 5, 'x'], (_, options) => fileSource(SOME_FILE, options))
    .type('name', [5, {}], (_, name) => fileSource(SOME_FILE, { name }))
    .type('write', [5, 'yes', null], (_, write) => fileSource(SOME_FILE, { write }))
    .bad('a file without write', 'TypeError', () => fileSource({ ...SOME_FILE, write: 5 as never }, { write: true })),
  new Rows('accessHandleSource', 'sync')
    .type('handle', [undefined, null, 5, 'x', {}], (_, handle) => accessHandleSource(handle))
    .type('options', [null, 5, 'x'], (_, options) => accessHandleSource(SOME_HANDLE, options))
    .type('name', [5, {}], (_, name) => accessHandleSource(SOME_HANDLE, { name }))
    .type('write', [5, 'yes', null], (_, write) => accessHandleSource(SOME_HANDLE, { write }))
    .bad('a handle without flush', 'TypeError', () =>
      accessHandleSource({ ...SOME_HANDLE, flush: 5 as never }, { write: true }),
    ),
  new Rows('fileSwap', 'sync')
    .type('file', [undefined, null, 5, {}], (_, file) => fileSwap(file, PAGE))
    .number('bytes', [NaN, 0, 0.5], (_, bytes) => fileSwap(NO_FILE, bytes)),
  new Rows('accessHandleSwap', 'sync')
    .type('handle', [undefined, null, 5, {}], (_, handle) => accessHandleSwap(handle, PAGE))
    .number('bytes', [NaN, 0, 0.5], (_, bytes) => accessHandleSwap({ read: () => 0, write: () => 0 }, bytes)),
];

const ranges = [
  onRange('AddressSpace.pageFlags', (space, start, bytes) => space.pageFlags(start, bytes), 'sync'),
  new Rows('AddressSpace.devicesWith', 'sync')
    .address('address', ({ space }, address) => space.devicesWith(address))
    .bad('a closed space', 'CLOSED', ({ closedSpace }) => closedSpace.devicesWith(BASE)),
  onRange('AddressSpace.unmap', (space, start, bytes) => space.unmap(start, bytes)),
  onRange('AddressSpace.written', (space, start, bytes) => space.written(start, bytes), 'sync'),
  onMapped('AddressSpace.sync', (space, start, bytes) => space.sync(start, bytes)),
  moving(
    onMapped('AddressSpace.relocate', (space, start, bytes) => space.relocate(start, bytes)),
    (space, options) => space.relocate(BASE, 4 * PAGE, options),
  ),
  onMapped('AddressSpace.dontNeed', (space, start, bytes) => space.dontNeed(start, bytes)),
  onMapped('AddressSpace.protect', (space, start, bytes) => space.protect(start, bytes, 'read')).type(
    'access',
    [undefined, null, 'write', 3],
    ({ space }, access) => space.protect(BASE, PAGE, access),
  ),
  onMapped('AddressSpace.remap', (space, start, bytes) => space.remap(start, bytes, { bytes: PAGE }))
    .type('options', [undefined, null, 5], ({ space }, options) => space.remap(BASE, PAGE, options))
    .bytes('new bytes', ({ space }, bytes) => space.remap(BASE, PAGE, { bytes }))
    .address('new address', ({ space }, address) => space.remap(BASE, PAGE, { address }))
    .bad('new address 0', 'RangeError', ({ space }) => space.remap(BASE, PAGE, { address: 0 }))
    .bad('new address not aligned', 'RangeError', ({ space }) => space.remap(BASE, PAGE, { address: FREE + 8 }))
    .bad('new range beyond the end', 'RangeError', ({ space }) =>
      space.remap(BASE, PAGE, { address: 2 ** 47 - PAGE, bytes: 2 * PAGE }),
    )
    .bad('overlapping ranges', 'RangeError', ({ space }) => space.remap(BASE, 2 * PAGE, { address: BASE + PAGE }))
    .bad('two regions', 'INVALID_ARGUMENT', ({ space }) => space.remap(BASE, 6 * PAGE, { address: FREE }))
    .bad('more than the source has', 'RangeError', ({ space, file }) =>
      space.remap(file.address, PAGE, { bytes: 3 * PAGE }),
    ),
  onMapped('AddressSpace.advise', (space, start, bytes) => space.advise(start, bytes, { readMostly: true }))
    .type('advice', [undefined, null, 5], ({ space }, advice) => space.advise(BASE, PAGE, advice))
    .type('preferredLocation', ['device', 5, {}], ({ space }, preferredLocation) =>
      space.advise(BASE, PAGE, { preferredLocation }),
    )
    .type('readMostly', ['yes', 1, null], ({ space }, readMostly) => space.advise(BASE, PAGE, { readMostly }))
    .type('accessedBy', ['all', {}, 5, [{}], [null]], ({ space }, accessedBy) =>
      space.advise(BASE, PAGE, { accessedBy }),
    )
    .type('mergeable', ['yes', 1, null], ({ space }, mergeable) => space.advise(BASE, PAGE, { mergeable }))
    .type('pin', [true, 'host', {}], ({ space }, pin) => space.advise(BASE, PAGE, { pin }))
    .bad('a detached mirror', 'TypeError', ({ space, detached }) => space.advise(BASE, PAGE, { pin: detached }))
    .bad('a mirror of another space', 'TypeError', ({ space, foreign }) =>
      space.advise(BASE, PAGE, { accessedBy: [foreign] }),
    )
    .bad('a pin that does not fit', 'OUT_OF_DEVICE_MEMORY', ({ space, small }) =>
      space.advise(BASE, 4 * PAGE, { pin: small }),
    ),
  onMapped('AddressSpace.willNeed', (space, start, bytes) => space.willNeed(start, bytes, anyMirror(space)))
    .type('mirror', [undefined, null, {}, 'x'], ({ space }, mirror) => space.willNeed(BASE, PAGE, mirror))
    .bad('a mirror of another space', 'TypeError', ({ space, foreign }) => space.willNeed(BASE, PAGE, foreign)),
];

/** Rows of what takes hold options. */
function holding(rows: Rows, call: (space: AddressSpace, options: HoldOptions) => unknown): Rows {
  return rows
    .type('options', [null], ({ space }, options) => call(space, options))
    .number('timeoutMs', [NaN, 0, -1, Infinity, 2 ** 31], ({ space }, timeoutMs) =>
      call(space, { timeoutMs: timeoutMs === null ? ('x' as never) : timeoutMs }),
    )
    .type('signal', [5, 'x', {}, null], ({ space }, signal) => call(space, { signal }))
    .bad('an aborted signal', 'ABORTED', ({ space }) => call(space, { signal: AbortSignal.abort() }));
}

const holds = [
  holding(
    onMapped('AddressSpace.acquire', (space, start, bytes) => space.acquire(start, bytes, 'read')),
    (space, options) => space.acquire(BASE, PAGE, 'write', options),
  ).type('mode', [undefined, null, 'both', 1], ({ space }, mode) => space.acquire(BASE, PAGE, mode)),
  holding(
    onMapped('AddressSpace.read', (space, start, bytes) => space.read(start, bytes)),
    (space, options) => space.read(BASE + PAGE, PAGE, options),
  ),
  holding(
    new Rows('AddressSpace.write', 'async')
      .address('address', ({ space }, address) => space.write(address, pattern(8)))
      .type('bytes', [undefined, null, 'text', 5, [1, 2], new ArrayBuffer(8)], ({ space }, bytes) =>
        space.write(BASE, bytes),
      )
      .bad('no bytes', 'RangeError', ({ space }) => space.write(BASE, new Uint8Array()))
      .bad('bytes of a detached buffer', 'RangeError', ({ space }) => space.write(BASE, detachedBytes()))
      .bad('beyond the end', 'RangeError', ({ space }) => space.write(2 ** 47 - 4, pattern(8)))
      .bad('a hole at the end', 'ADDRESS_NOT_MAPPED', ({ space }) => space.write(BASE + 6 * PAGE - 4, pattern(8)))
      .bad('a closed space', 'CLOSED', ({ closedSpace }) => closedSpace.write(BASE, pattern(8))),
    (space, options) => space.write(BASE, pattern(8), options),
  ),
  new Rows('Region.acquire', 'async')
    .number('offset', [NaN, -1, 0.5, 4 * PAGE, 2 ** 53], ({ region }, offset) => region.acquire('read', { offset }))
    .number('bytes', [NaN, -1, 0, 0.5, 4 * PAGE + 1, 2 ** 47], ({ region }, bytes) => region.acquire('read', { bytes }))
    .type('mode', [undefined, 'both'], ({ region }, mode) => region.acquire(mode))
    .bad('a closed region', 'CLOSED', ({ closedRegion }) => closedRegion.acquire('read')),
  new Rows('Region.buffer', 'sync')
    .number('offset', [NaN, -1, 0.5, 4 * PAGE, 2 ** 53], ({ region }, offset) => region.buffer({ offset }))
    .number('bytes', [NaN, -1, 0, 0.5, 4 * PAGE + 1, 2 ** 47], ({ region }, bytes) => region.buffer({ bytes }))
    .type('options', [null, 5], ({ region }, options) => region.buffer(options))
    .type('shared', [null, 1, 'yes'], ({ region }, shared) => region.buffer({ shared }))
    .bad('a region that is not live', 'UNSUPPORTED', ({ region }) => region.buffer())
    .bad('a closed region', 'CLOSED', ({ closedRegion }) => closedRegion.buffer()),
  new Rows('Region.array', 'sync')
    .type('type', [undefined, null, 5, {}], ({ region }, type) => region.array(type))
    .bad('a region that is not live', 'UNSUPPORTED', ({ region }) => region.array(Uint8Array))
    .bad('a closed region', 'CLOSED', ({ closedRegion }) => closedRegion.array(Uint8Array)),
  new Rows('Region.unmap', 'async')
    .number('offset', [NaN, -PAGE, 0.5, 4 * PAGE], ({ region }, offset) => region.unmap({ offset }))
    .number('bytes', [NaN, -1, 0, 5 * PAGE], ({ region }, bytes) => region.unmap({ bytes }))
    .type('options', [null, 5], ({ region }, options) => region.unmap(options)),
  new Rows('Held.as', 'sync')
    .type('type', [undefined, null, 5, {}], ({ held }, type) => held.as(type))
    .bad('a released hold', 'CLOSED', ({ released }) => released.as(Uint8Array)),
  new Rows('Held.release', 'sync').bad('a released hold', 'CLOSED', ({ released }) => released.release()),
];

const memories = [
  new Rows('managedMemory', 'sync')
    .type('options', [null, 5], (_, options) => managedMemory(options))
    .number('limit', [NaN, 0, -1, 4095], (_, limit) =>
      managedMemory({ limit: limit === null ? ('x' as never) : limit }),
    )
    .number('pageSize', [NaN, 0, 100, 4097, 4 << 20], (_, pageSize) => managedMemory({ pageSize: pageSize ?? 'x' })),
  new Rows('HostMemory.allocate', 'sync').number('count', [NaN, 0, -1, 0.5, Infinity, 2 ** 53], ({ host }, count) =>
    host.allocate(count),
  ),
  new Rows('HostMemory.free', 'sync').number('frame', [NaN, -1, 0.5, 2 ** 30, 2 ** 32 + 1], ({ host }, frame) =>
    host.free(frame),
  ),
  new Rows('bytesSource', 'sync')
    .type('bytes', [undefined, null, 'x', 5, [1], new ArrayBuffer(8)], (_, bytes) => bytesSource(bytes))
    .bad('bytes of a detached buffer', 'TypeError', () => bytesSource(detachedBytes())),
];

const lifetimes = [
  new Rows('AddressSpace.merge', 'async')
    .type('options', [null, 5, 'x'], ({ space }, options) => space.merge(options))
    .type('signal', [5, 'x', {}, null], ({ space }, signal) => space.merge({ signal }))
    .type('onProgress', [5, 'x', {}, null], ({ space }, onProgress) => space.merge({ onProgress }))
    .bad('an aborted signal', 'ABORTED', ({ space }) => space.merge({ signal: AbortSignal.abort() }))
    .bad('a closed space', 'CLOSED', ({ closedSpace }) => closedSpace.merge()),
  new Rows('AddressSpace.flush', 'async').bad('a closed space', 'CLOSED', ({ closedSpace }) => closedSpace.flush()),
  new Rows('AddressSpace.fork', 'async').bad('a closed space', 'CLOSED', ({ closedSpace }) => closedSpace.fork()),
];

export const spaceRows = [...keeping, map, regionAt, compact, ...ranges, ...holds, ...memories, ...lifetimes].flatMap(
  (rows) => rows.rows,
);
