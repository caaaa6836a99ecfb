import { type Command, type CommandQueue, managedMemory, ZERO_FRAME } from '@mirrorspace/core';
import { type LatencyModel, memory, SimClock } from '@mirrorspace/memory';
import { PAGE } from '../space/helpers.js';
import { double } from '../mirror/helpers.js';
import { Rows } from './rows.js';
import { BASE, type World } from './world.js';

const open = new Rows('memory.open', 'async')
  .type('options', [null, 5, 'x'], (_, options) => memory.open(options))
  .type('memory', [null, {}, true], (_, size) => memory.open({ memory: size ?? {} }))
  .bad('memory in no unit', 'RangeError', () => memory.open({ memory: '64 parsecs' }));
const numbers = [
  'queues',
  'faultBuffer',
  'seed',
  'residentUnits',
  'tlbEntries',
  'addressBits',
  'pagesPerCommand',
  'commandsPerSubmit',
] as const;
for (const option of numbers) {
  open.number(option, [NaN, Infinity, 0.5, -(2 ** 40), 2 ** 53], (_, value) => memory.open({ [option]: value ?? 'x' }));
}
open
  .number('memory size', [NaN, 0, -1, 4095, Infinity, 2 ** 60], (_, size) =>
    memory.open({ memory: typeof size === 'string' || size === null ? {} : size } as never),
  )
  .type('pageSizes', [5, 'x', []], (_, pageSizes) => memory.open({ pageSizes }))
  .bad('a page size that is none', 'RangeError', () => memory.open({ pageSizes: [4097] }))
  .bad('an unknown feature', 'RangeError', () => memory.open({ features: ['warp' as never] }))
  .type('features', [5, 'atomics'], (_, features) => memory.open({ features }))
  .type('name', [5, {}], (_, name) => memory.open({ name }))
  .type('onEvent', [5, 'x'], (_, onEvent) => memory.open({ onEvent }))
  .type('latency', [5, null], (_, latency) => memory.open({ latency: latency ?? 5 }))
  .bad('a name in use', 'INVALID_ARGUMENT', ({ device }) => memory.open({ name: device.info.name }))
  .bad('a negative latency', 'RangeError', () => memory.open({ latency: { command: -1 } as LatencyModel }));

const createMmu = new Rows('Device.createMmu', 'async')
  .type('options', [undefined, null, 5], ({ device }, options) => device.createMmu(options))
  .number('addressBits', [NaN, 0, -1, 40.5, Infinity], ({ device }, addressBits) => device.createMmu({ addressBits }))
  .bad('more address bits than there are', 'UNSUPPORTED', ({ device }) => device.createMmu({ addressBits: 48 }))
  .bad('a page size it has not', 'UNSUPPORTED', ({ device }) =>
    device.createMmu({ addressBits: 40, faultPageSize: 8192 }),
  )
  .bad('a closed device', 'CLOSED', ({ closedDevice }) => closedDevice.createMmu({ addressBits: 40 }));

const user = ({ device }: World): CommandQueue => device.inner.queues.find((queue) => !queue.paging)!;
const paging = ({ device }: World): CommandQueue => device.inner.queues.find((queue) => queue.paging)!;

const submit = new Rows('CommandQueue.submit', 'sync')
  .type('commands', [undefined, null, 5, {}, [null], [5], [{}], [{ kind: 'format' }]], (world, commands) =>
    user(world).submit(commands),
  )
  .type('options', [5, 'x'], (world, options) => user(world).submit([], options))
  .type('after', [5, {}, [null], [{}]], (world, after) => user(world).submit([], { after }))
  .type('urgent', [1, 'yes'], (world, urgent) => user(world).submit([], { urgent }))
  .bad('too many commands', 'RangeError', (world) =>
    user(world).submit(Array.from({ length: 2000 }, () => ({ kind: 'flushTlb', mmu: 0 }))),
  );

const pages = Float64Array.of(BASE / PAGE);
const list = { mmu: 0, pageSize: PAGE, count: 1, pages };
const frames = Uint32Array.of(0);
const bits = new Uint8Array(1);

interface Sample {
  readonly to: 'user' | 'paging';
  command: (world: Pick<World, 'host'>) => Readonly<Record<string, unknown>>;
}

/** A well-formed command of every kind, and the queue it goes to. */
const good: Readonly<Record<Command['kind'], Sample>> = {
  map: { to: 'paging', command: () => ({ kind: 'map', ...list, frames, access: Uint8Array.of(1) }) },
  unmap: { to: 'paging', command: () => ({ kind: 'unmap', ...list, bits }) },
  protect: { to: 'paging', command: () => ({ kind: 'protect', ...list, access: Uint8Array.of(1), bits }) },
  flushTlb: { to: 'paging', command: () => ({ kind: 'flushTlb', ...list }) },
  harvest: { to: 'paging', command: () => ({ kind: 'harvest', ...list, bits }) },
  copyIn: {
    to: 'paging',
    command: ({ host }) => ({ kind: 'copyIn', pageSize: PAGE, count: 1, host, hostFrames: frames, frames }),
  },
  copyOut: {
    to: 'paging',
    command: ({ host }) => ({
      kind: 'copyOut',
      pageSize: PAGE,
      count: 1,
      host,
      hostFrames: frames,
      frames,
      when: bits,
    }),
  },
  discard: { to: 'paging', command: () => ({ kind: 'discard', pageSize: PAGE, count: 1, frames }) },
  replayFaults: { to: 'paging', command: () => ({ kind: 'replayFaults', mmu: 0, window: 1 }) },
  cancelFaults: { to: 'paging', command: () => ({ kind: 'cancelFaults', ...list, reasons: Uint8Array.of(1) }) },
  launch: { to: 'user', command: () => ({ kind: 'launch', mmu: 0, program: double, grid: [1, 1, 1], args: [] }) },
  read: { to: 'user', command: () => ({ kind: 'read', mmu: 0, address: BASE, into: new Uint8Array(8) }) },
  write: { to: 'user', command: () => ({ kind: 'write', mmu: 0, address: BASE, from: new Uint8Array(8) }) },
  fill: { to: 'user', command: () => ({ kind: 'fill', mmu: 0, address: BASE, bytes: 8, value: 1 }) },
  atomicAdd: {
    to: 'user',
    command: () => ({ kind: 'atomicAdd', mmu: 0, address: BASE, value: 1, previous: new Uint32Array(1) }),
  },
  prefetch: { to: 'paging', command: () => ({ kind: 'prefetch', mmu: 0, start: BASE, end: BASE + PAGE }) },
  migrate: {
    to: 'paging',
    command: () => ({
      kind: 'migrate',
      mmu: 0,
      start: BASE,
      end: BASE + PAGE,
      to: 'device',
      moved: new Uint32Array(1),
    }),
  },
  snapshot: {
    to: 'paging',
    command: () => ({ kind: 'snapshot', mmu: 0, start: BASE, end: BASE + PAGE, flags: new Uint8Array(1) }),
  },
  exclusive: {
    to: 'paging',
    command: () => ({ kind: 'exclusive', mmu: 0, start: BASE, end: BASE + PAGE, taken: new Uint32Array(1) }),
  },
  advise: {
    to: 'paging',
    command: () => ({
      kind: 'advise',
      mmu: 0,
      start: BASE,
      end: BASE + PAGE,
      preferred: 'device',
      readMostly: false,
      accessedBy: false,
    }),
  },
};

/** Page numbers whose buffer has gone to somebody else. */
function detachedPages(): Float64Array {
  const numbers = Float64Array.of(BASE / PAGE);
  structuredClone(numbers.buffer, { transfer: [numbers.buffer] });
  return numbers;
}

/** Values that no field of a kind may have. */
const badNumbers: Record<string, readonly number[]> = {
  mmu: [NaN, -1, 0.5, 65_536, 999],
  count: [NaN, -1, 0.5, 2, 2 ** 30],
  address: [NaN, -1, 0.5, 2 ** 47, 2 ** 53, Infinity],
  bytes: [NaN, -1, 0.5, 2 ** 47, Infinity],
  value: [NaN, -(2 ** 31) - 1, 0.5, 2 ** 32, Infinity],
  window: [NaN, 0, -1, 0.5, Infinity],
  pageSize: [NaN, 0, 100, 4097, 4 << 20],
};
const arrays = [
  'pages',
  'frames',
  'access',
  'bits',
  'hostFrames',
  'reasons',
  'into',
  'from',
  'previous',
  'moved',
  'flags',
  'taken',
  'when',
];

for (const [kind, { to, command }] of Object.entries(good)) {
  const send = (world: World, field: string, value: unknown) =>
    (to === 'user' ? user(world) : paging(world)).submit([{ ...command(world), [field]: value } as never]);
  const fields = Object.keys(command({ host: managedMemory() }));
  for (const field of fields) {
    const values = badNumbers[field];
    if (values !== undefined) submit.number(`${kind}.${field}`, values, (world, value) => send(world, field, value));
    if (arrays.includes(field))
      submit.type(`${kind}.${field}`, [null, 5, [1], new DataView(new ArrayBuffer(8))], (world, value) =>
        send(world, field, value),
      );
  }
  if (fields.includes('pages')) {
    for (const page of [NaN, -1, 0.5, 2 ** 35])
      submit.bad(`${kind}.pages[0] ${page}`, 'RangeError', (world) => send(world, 'pages', Float64Array.of(page)));
    submit.bad(`${kind}.pages of a detached buffer`, 'RangeError', (world) => send(world, 'pages', detachedPages()));
    submit.bad(`${kind}.pageSize it has not`, 'UNSUPPORTED', (world) => send(world, 'pageSize', 65_536));
  }
  if (fields.includes('frames'))
    submit.bad(`${kind}.frames beyond memory`, 'RangeError', (world) => send(world, 'frames', Uint32Array.of(64)));
  if (to === 'user')
    submit.bad(`${kind} on the paging queue`, 'INVALID_ARGUMENT', (world) =>
      paging(world).submit([command(world) as never]),
    );
}
for (const kind of ['prefetch', 'migrate', 'snapshot', 'exclusive', 'advise'] as const)
  submit.bad(`${kind} on a managed MMU`, 'UNSUPPORTED', (world) =>
    paging(world).submit([good[kind].command(world) as never]),
  );
submit
  .bad('map.access without reading', 'RangeError', (world) =>
    paging(world).submit([{ ...good.map.command(world), access: Uint8Array.of(2) } as never]),
  )
  .type('advise.preferred', [undefined, null, 5, 'x'], (world, preferred) =>
    paging(world).submit([{ ...good.advise.command(world), preferred } as never]),
  )
  .type('advise.readMostly', [undefined, null, 5, 'x'], (world, readMostly) =>
    paging(world).submit([{ ...good.advise.command(world), readMostly } as never]),
  )
  .type('advise.accessedBy', [undefined, null, 5, 'x'], (world, accessedBy) =>
    paging(world).submit([{ ...good.advise.command(world), accessedBy } as never]),
  )
  .bad('cancelFaults.reasons unknown', 'RangeError', (world) =>
    paging(world).submit([{ ...good.cancelFaults.command(world), reasons: Uint8Array.of(99) } as never]),
  )
  .bad('copyOut to the zero frame', 'RangeError', (world) =>
    paging(world).submit([{ ...good.copyOut.command(world), hostFrames: Uint32Array.of(ZERO_FRAME) } as never]),
  )
  .bad('atomicAdd not aligned', 'RangeError', (world) =>
    user(world).submit([{ ...good.atomicAdd.command(world), address: BASE + 2 } as never]),
  );

const wait = new Rows('Fence.wait', 'async')
  .type('options', [null, 5], (world, options) => user(world).submit([]).wait(options))
  .number('timeoutMs', [NaN, 0, -1], (world, timeoutMs) =>
    user(world)
      .submit([])
      .wait({ timeoutMs: timeoutMs ?? 'x' }),
  )
  .type('signal', [5, 'x', {}], (world, signal) => user(world).submit([]).wait({ signal }));

const clock = [
  new Rows('SimClock.after', 'sync')
    .number('delayUs', [NaN, -1, Infinity], (_, delayUs) => new SimClock().after(delayUs, () => undefined))
    .type('run', [undefined, null, 5], (_, run) => new SimClock().after(1, run)),
  new Rows('SimClock.background', 'sync')
    .number('time', [NaN, Infinity], (_, time) => new SimClock().background(time, () => undefined))
    .type('run', [undefined, null, 5], (_, run) => new SimClock().background(1, run)),
];

export const driverRows = [open, createMmu, submit, wait, ...clock].flatMap((rows) => rows.rows);
