import type { Fence, Mirror, RangeOptions } from '@mirrorspace/core';
import { PAGE, pattern } from '../space/helpers.js';
import { double } from '../mirror/helpers.js';
import { detachedBytes, Rows } from './rows.js';
import { BASE } from './world.js';

const attach = new Rows('AddressSpace.attach', 'async')
  .type('device', [undefined, null, 5, {}, 'memory'], ({ space }, device) => space.attach(device))
  .type('options', [null, 5, 'lru'], ({ closedSpace: _, space, device }, options) => space.attach(device, options))
  .bad('an attached device', 'INVALID_ARGUMENT', ({ space, device }) => space.attach(device))
  .bad('an unknown eviction policy', 'INVALID_ARGUMENT', ({ space, device }) =>
    space.attach(device, { eviction: 'oldest' as never }),
  )
  .bad('an unknown prefetch policy', 'INVALID_ARGUMENT', ({ space, device }) =>
    space.attach(device, { prefetch: 'toString' as never }),
  )
  .bad('an eviction policy that is none', 'INVALID_ARGUMENT', ({ space, device }) =>
    space.attach(device, { eviction: 5 as never }),
  )
  .bad('an unknown queue policy', 'INVALID_ARGUMENT', ({ space, device }) =>
    space.attach(device, { updateQueue: 'gfx' as never }),
  )
  .bad('a queue policy that is none', 'INVALID_ARGUMENT', ({ space, device }) =>
    space.attach(device, { updateQueue: 2 as never }),
  )
  .bad('an unknown preemption policy', 'INVALID_ARGUMENT', ({ space, device }) =>
    space.attach(device, { preemption: 'sometimes' as never }),
  )
  .bad('a preemption policy that is none', 'INVALID_ARGUMENT', ({ space, device }) =>
    space.attach(device, { preemption: true as never }),
  )
  .type('placement', [null, {}], ({ space, device }, placement) => space.attach(device, { placement }))
  .bad('an unknown placement policy', 'INVALID_ARGUMENT', ({ space, device }) =>
    space.attach(device, { placement: 'touch' as never }),
  )
  .bad('an unknown thrashing policy', 'INVALID_ARGUMENT', ({ space, device }) =>
    space.attach(device, { thrashing: 'much' as never }),
  )
  .type('policies', [null, 5], ({ space, device }, policies) => space.attach(device, { policies }))
  .bad('an unknown set of policies', 'INVALID_ARGUMENT', ({ space, device }) =>
    space.attach(device, { policies: 'best' as never }),
  )
  .type('flush', [null, 5, {}], ({ space, device }, flush) => space.attach(device, { flush }))
  .bad('an unknown flush policy', 'INVALID_ARGUMENT', ({ space, device }) =>
    space.attach(device, { flush: 'never' as never }),
  )
  .bad('a flush policy that waits for less than nothing', 'RangeError', ({ space, device }) =>
    space.attach(device, { flush: { name: 'mine', entries: -1, us: 0 } }),
  )
  .number('sampling', [NaN, -1, 65, Infinity], ({ space, device }, sampling) => space.attach(device, { sampling }))
  .number('batch', [NaN, 0, -1, 0.5, 65_537], ({ space, device }, batch) => space.attach(device, { batch }))
  .number('aging', [NaN, -1, 1025, Infinity], ({ space, device }, aging) => space.attach(device, { aging }))
  .number('timeoutMs', [NaN, 0, -1, Infinity], ({ space, device }, timeoutMs) => space.attach(device, { timeoutMs }))
  .bad('a closed device', 'CLOSED', ({ space, closedDevice }) => space.attach(closedDevice))
  .bad('a closed space', 'CLOSED', ({ closedSpace, device }) => closedSpace.attach(device));

const replace = new Rows('AddressSpace.replace', 'async')
  .type('mirror', [undefined, null, 5, {}, 'memory'], ({ space, spare }, mirror) => space.replace(mirror, spare))
  .bad('a mirror of another space', 'TypeError', ({ space, foreign, spare }) => space.replace(foreign, spare))
  .bad('a detached mirror', 'CLOSED', ({ space, detached, spare }) => space.replace(detached, spare))
  .type('device', [undefined, null, 5, {}, 'memory'], ({ space, mirror }, device) => space.replace(mirror, device))
  .bad('the device it is on', 'INVALID_ARGUMENT', ({ space, mirror, device }) => space.replace(mirror, device))
  .bad('a closed device', 'CLOSED', ({ space, mirror, closedDevice }) => space.replace(mirror, closedDevice))
  .type('options', [null, 5, 'lru'], ({ space, mirror, spare }, options) => space.replace(mirror, spare, options))
  .type('lost', [null, 5, 'zero'], ({ space, mirror, spare }, lost) => space.replace(mirror, spare, { lost }))
  .bad('an unknown eviction policy', 'INVALID_ARGUMENT', ({ space, mirror, spare }) =>
    space.replace(mirror, spare, { eviction: 'oldest' as never }),
  )
  .bad('a closed space', 'CLOSED', ({ closedSpace, mirror, spare }) => closedSpace.replace(mirror, spare));

type RangeMethod = (mirror: Mirror, start: number, bytes: number) => unknown;

/** Rows that every method on a range of a mirror has in common. */
function onRange(api: string, call: RangeMethod, kind: 'sync' | 'async' = 'async'): Rows {
  return new Rows(api, kind)
    .address('start', ({ mirror }, start) => call(mirror, start, PAGE))
    .bytes('bytes', ({ mirror }, bytes) => call(mirror, BASE, bytes))
    .type('bytes', [undefined], ({ mirror }, bytes) => call(mirror, BASE, bytes))
    .bad('a range beyond the end', 'RangeError', ({ mirror }) => call(mirror, 2 ** 47 - PAGE, 2 * PAGE))
    .bad('a detached mirror', 'CLOSED', ({ detached }) => call(detached, BASE, PAGE));
}

function onMapped(api: string, call: RangeMethod, kind: 'sync' | 'async' = 'async'): Rows {
  return onRange(api, call, kind).bad('a hole at the end', 'ADDRESS_NOT_MAPPED', ({ mirror }) =>
    call(mirror, BASE, 7 * PAGE),
  );
}

/** Rows of what takes a signal. */
function aborting(rows: Rows, call: (mirror: Mirror, options: RangeOptions) => unknown): Rows {
  return rows
    .type('options', [null, 5], ({ mirror }, options) => call(mirror, options))
    .type('signal', [5, 'x', {}, null], ({ mirror }, signal) => call(mirror, { signal }))
    .type('onProgress', [5, 'x', {}, null], ({ mirror }, onProgress) => call(mirror, { onProgress }))
    .bad('an aborted signal', 'ABORTED', ({ mirror }) => call(mirror, { signal: AbortSignal.abort() }));
}

const accesses = [
  onRange('Mirror.read', (mirror, start, bytes) => mirror.read(start, bytes)),
  new Rows('Mirror.write', 'async')
    .address('address', ({ mirror }, address) => mirror.write(address, pattern(8)))
    .type('bytes', [undefined, null, 'text', 5, [1, 2], new ArrayBuffer(8)], ({ mirror }, bytes) =>
      mirror.write(BASE, bytes),
    )
    .bad('no bytes', 'RangeError', ({ mirror }) => mirror.write(BASE, new Uint8Array()))
    .bad('bytes of a detached buffer', 'RangeError', ({ mirror }) => mirror.write(BASE, detachedBytes()))
    .bad('beyond the end', 'RangeError', ({ mirror }) => mirror.write(2 ** 47 - 4, pattern(8)))
    .bad('a detached mirror', 'CLOSED', ({ detached }) => detached.write(BASE, pattern(8))),
  onRange('Mirror.fill', (mirror, start, bytes) => mirror.fill(start, bytes, 1)).number(
    'value',
    [NaN, -1, 256, 0.5, Infinity],
    ({ mirror }, value) => mirror.fill(BASE, PAGE, value),
  ),
  new Rows('Mirror.atomicAdd', 'async')
    .address('address', ({ mirror }, address) => mirror.atomicAdd(address, 1))
    .bad('an address that is not aligned', 'RangeError', ({ mirror }) => mirror.atomicAdd(BASE + 2, 1))
    .number('value', [NaN, Infinity, 0.5, 2 ** 32, -(2 ** 31) - 1], ({ mirror }, value) =>
      mirror.atomicAdd(BASE, value),
    )
    .bad('a detached mirror', 'CLOSED', ({ detached }) => detached.atomicAdd(BASE, 1)),
];

const moves = [
  aborting(
    onMapped('Mirror.prefetch', (mirror, start, bytes) => mirror.prefetch(start, bytes)),
    (mirror, options) => mirror.prefetch(BASE, PAGE, options),
  ).type('access', ['both', 3, null], ({ mirror }, access) => mirror.prefetch(BASE, PAGE, { access })),
  aborting(
    onMapped('Mirror.migrate', (mirror, start, bytes) => mirror.migrate(start, bytes, 'host')),
    (mirror, options) => mirror.migrate(BASE, PAGE, 'device', options),
  ).type('to', [undefined, null, 'gpu', 1], ({ mirror }, to) => mirror.migrate(BASE, PAGE, to)),
  onMapped('Mirror.exclusive', (mirror, start, bytes) => mirror.exclusive(start, bytes)),
  onMapped('Mirror.harvest', (mirror, start, bytes) => mirror.harvest(start, bytes))
    .type('options', [null, 5, true], ({ mirror }, options) => mirror.harvest(BASE, PAGE, options))
    .type('writeBack', [null, 1, 'yes'], ({ mirror }, writeBack) => mirror.harvest(BASE, PAGE, { writeBack })),
  onMapped('Mirror.markAccessed', (mirror, start, bytes) => mirror.markAccessed(start, bytes), 'sync'),
  onRange('Mirror.residency', (mirror, start, bytes) => mirror.residency(start, bytes), 'sync'),
];

const record = new Rows('Mirror.record', 'sync')
  .type('options', [null, 5, 'faults'], ({ mirror }, options) => mirror.record(options))
  .type('of', [null, 5, 'writes'], ({ mirror }, of) => mirror.record({ of }))
  .number('actor', [0, -1, 1.5, 128], ({ mirror }, actor) => mirror.record({ actor }))
  .number('resident', [0, -1, 1.5, 65_537], ({ mirror }, resident) => mirror.record({ resident }))
  .number('limit', [0, -1, 1.5, 2 ** 32], ({ mirror }, limit) => mirror.record({ limit }))
  .type('onChunk', [null, 5, {}], ({ mirror }, onChunk) => mirror.record({ onChunk }))
  .bad('a detached mirror', 'CLOSED', ({ detached }) => detached.record());

const launch = new Rows('Mirror.launch', 'sync')
  .type('program', [undefined, null, 'js', 5, {}, { language: 3 }], ({ mirror }, program) => mirror.launch(program))
  .type('program without run', [{ language: 'js' }, { language: 'js', run: 5 }], ({ mirror }, program) =>
    mirror.launch(program),
  )
  .bad('a language the device does not run', 'UNSUPPORTED', ({ mirror }) => mirror.launch({ language: 'wgsl' }))
  .type('options', [null], ({ mirror }, options) => mirror.launch(double, options))
  .type('args', [null, 5, ['1'], [null], [{}]], ({ mirror }, args) => mirror.launch(double, { args }))
  .number('grid size', [NaN, 0, -1, 0.5, Infinity, 2 ** 53], ({ mirror }, size) =>
    mirror.launch(double, { grid: typeof size === 'number' ? [size] : size }),
  )
  .bad('more work units than can be counted', 'RangeError', ({ mirror }) =>
    mirror.launch(double, { grid: [2 ** 30, 2 ** 30, 2 ** 30] }),
  )
  .bad('an unknown queue', 'RangeError', ({ mirror }) => mirror.launch(double, { queue: 99 }))
  .bad('the paging queue', 'RangeError', ({ mirror, device }) =>
    mirror.launch(double, { queue: device.queues.find((queue) => queue.paging)!.id }),
  )
  .type('after', [null, 5, [null], [{}], [5]], ({ mirror }, after) =>
    mirror.launch(double, { after: after as Fence[], writes: [[BASE, PAGE]] }),
  )
  .address('start of a range read', ({ mirror }, start) => mirror.launch(double, { reads: [[start, PAGE]] }))
  .bytes('bytes of a range written', ({ mirror }, bytes) => mirror.launch(double, { writes: [[BASE, bytes]] }))
  .type('exact', [null, 1, 'yes'], ({ mirror }, exact) => mirror.launch(double, { exact }))
  .type('reads', [null, 5, [5], [null]], ({ mirror }, reads) => mirror.launch(double, { reads }))
  .bad('a detached mirror', 'CLOSED', ({ detached }) => detached.launch(double));

export const mirrorRows = [attach, replace, ...accesses, ...moves, record, launch].flatMap((rows) => rows.rows);
