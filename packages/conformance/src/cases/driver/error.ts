import type { Command } from '@mirrorspace/core/driver';
import { defineCases } from '../../case.js';
import { bytesEqual, equal, ok, rejects, throws } from '../../check.js';
import { pattern } from '../../frames.js';
import { FIRST_PAGE, Rig, RW } from '../../rig.js';

const MALFORMED = ['TypeError', 'RangeError', 'INVALID_ARGUMENT'];

type Fields = Record<string, unknown>;

/** What is wrong with a command, by name: fields laid over a good one. */
const WRONG: Readonly<Record<string, { readonly of: string; readonly fields: (rig: Rig) => Fields }>> = {
  'page-nan': { of: 'map', fields: () => ({ pages: Float64Array.of(NaN) }) },
  'page-negative': { of: 'map', fields: () => ({ pages: Float64Array.of(-1) }) },
  'page-fraction': { of: 'map', fields: () => ({ pages: Float64Array.of(1.5) }) },
  'page-infinite': { of: 'unmap', fields: () => ({ pages: Float64Array.of(Infinity) }) },
  'count-beyond-pages': { of: 'map', fields: () => ({ count: 2 }) },
  'count-negative': { of: 'unmap', fields: () => ({ count: -1 }) },
  'count-fraction': { of: 'unmap', fields: () => ({ count: 0.5 }) },
  'frames-short': { of: 'map', fields: () => ({ frames: new Uint32Array(0) }) },
  'access-short': { of: 'map', fields: () => ({ access: new Uint8Array(0) }) },
  'pages-no-array': { of: 'map', fields: () => ({ pages: 'all' }) },
  'bits-short': { of: 'harvest', fields: () => ({ bits: new Uint8Array(0) }) },
  'bits-missing': { of: 'harvest', fields: () => ({ bits: undefined }) },
  'page-size-odd': { of: 'unmap', fields: () => ({ pageSize: 5000 }) },
  'mmu-unknown': { of: 'unmap', fields: (rig) => ({ mmu: (rig.mmu.id + 1000) % 65536 }) },
  'mmu-nan': { of: 'read', fields: () => ({ mmu: NaN }) },
  'address-nan': { of: 'read', fields: () => ({ address: NaN }) },
  'address-negative': { of: 'read', fields: () => ({ address: -4 }) },
  'address-fraction': { of: 'read', fields: () => ({ address: 4096.5 }) },
  'into-no-array': { of: 'read', fields: () => ({ into: [] }) },
  'from-no-array': { of: 'write', fields: () => ({ from: 'text' }) },
  'value-256': { of: 'fill', fields: () => ({ value: 256 }) },
  'value-negative': { of: 'fill', fields: () => ({ value: -1 }) },
  'bytes-negative': { of: 'fill', fields: () => ({ bytes: -1 }) },
  'reason-unknown': { of: 'cancelFaults', fields: () => ({ reasons: Uint8Array.of(99) }) },
  'window-zero': { of: 'replayFaults', fields: () => ({ window: 0 }) },
  'host-missing': { of: 'copyIn', fields: () => ({ host: undefined }) },
  'zero-frame-out': { of: 'copyOut', fields: () => ({ hostFrames: Uint32Array.of(0xffffffff) }) },
  'kind-unknown': { of: 'read', fields: () => ({ kind: 'teleport' }) },
};

function good(rig: Rig): Record<string, Command> {
  const { mmu } = rig;
  const address = rig.at(0);
  return {
    map: rig.mapCommand([0], [1], RW),
    unmap: rig.unmapCommand([0]),
    harvest: { kind: 'harvest', ...rig.list([0]), bits: new Uint8Array(1) },
    read: rig.readCommand(address, new Uint8Array(4)),
    write: rig.writeCommand(address, new Uint8Array(4)),
    fill: { kind: 'fill', mmu: mmu.id, address, bytes: 4, value: 1 },
    cancelFaults: rig.cancelCommand([0], 0),
    replayFaults: rig.replayCommand(1),
    copyIn: rig.copyCommand('copyIn', [0], [1]),
    copyOut: rig.copyCommand('copyOut', [0], [1]),
  };
}

export const error = defineCases({ level: 'driver', area: 'error', needs: ['mmu:managed', 'frames:2'] }, [
  {
    name: 'malformed-command',
    rule: 'CommandQueue.submit: TypeError, RangeError for malformed commands; nothing is enqueued then',
    mend: 'check the whole submission before any of it is enqueued',
    cross: { wrong: Object.keys(WRONG) },
    async run(env) {
      const rig = await Rig.open(env);
      await rig.load(0, pattern(0, 16));
      await rig.map([0], [0]);
      const { of, fields } = WRONG[String(env.params['wrong'])] ?? { of: 'read', fields: () => ({}) };
      const bad = { ...good(rig)[of], ...fields(rig) } as Command;
      const before = rig.start(rig.flushCommand()).value;
      // The first command would change the page: it must not run either.
      const first = rig.writeCommand(rig.at(0), pattern(1, 16));
      throws(() => rig.start([first, bad]), [...MALFORMED, 'UNSUPPORTED'], `${of} with ${String(env.params['wrong'])}`);
      const next = rig.start(rig.flushCommand());
      equal(next.value, before + 1, 'value of the next fence: the refused submission takes no place on the timeline');
      await rig.wait(next);
      bytesEqual(
        await rig.read(rig.at(0), 16),
        pattern(0, 16),
        'the page that the refused submission would have written',
      );
    },
  },
  {
    name: 'commands-no-array',
    rule: 'CommandQueue.submit: TypeError for malformed commands',
    mend: 'check that commands is an array of objects',
    async run(env) {
      const rig = await Rig.open(env);
      const wrong: readonly unknown[] = [undefined, null, 7, {}, [null], [7]];
      for (const commands of wrong) {
        throws(
          () => rig.user.submit(commands as Command[]),
          ['TypeError', 'RangeError'],
          `submit(${String(commands)})`,
        );
      }
      await rig.wait(rig.start(rig.flushCommand()));
    },
  },
  {
    name: 'closed-mmu',
    rule: 'DeviceMmu.close: its commands fail with CLOSED afterwards',
    mend: 'fail the fence (or throw from submit) with CLOSED; run nothing',
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0], [0]);
      await rig.mmu.close();
      const call = async (): Promise<void> => rig.wait(rig.start(rig.readCommand(rig.at(0), new Uint8Array(4))));
      await rejects(call(), ['CLOSED', 'RangeError'], 'a read through a closed MMU');
      const other = await rig.sibling();
      await other.map([0], [0]);
      await other.read(other.at(0), 4);
    },
  },
  {
    name: 'failed-access-gives-no-data',
    rule: 'ReadCommand: `into` is written only if the whole access succeeds',
    mend: 'leave the buffer alone until all pages were read',
    async run(env) {
      const rig = await Rig.open(env);
      await rig.load(0, pattern(1, rig.pageSize));
      await rig.map([0], [0]);
      const into = new Uint8Array(64).fill(0x33);
      const fence = rig.start(rig.readCommand(rig.at(1, -32), into));
      if (rig.device.features.has('replayable-faults')) {
        await rig.faults();
        await rig.page(rig.cancelCommand([1], 0));
      }
      await rejects(rig.wait(fence), ['ADDRESS_NOT_MAPPED'], 'a read whose second page is absent');
      bytesEqual(into, new Uint8Array(64).fill(0x33), 'the buffer of the failed read');
    },
  },
  {
    name: 'error-says-where',
    rule: 'MirrorError: the message says what, where, what to do next; `device` names the device',
    mend: 'give message and device to the error of a failed fence',
    async run(env) {
      const rig = await Rig.open(env);
      const fence = rig.start(rig.readCommand(rig.at(0), new Uint8Array(4)));
      if (rig.device.features.has('replayable-faults')) {
        await rig.faults();
        await rig.page(rig.cancelCommand([0], 0));
      }
      await rejects(rig.wait(fence), ['ADDRESS_NOT_MAPPED'], 'the read');
      ok((fence.error?.message.length ?? 0) > 10, `the message says what happened: "${fence.error?.message ?? ''}"`);
      const hexadecimal = rig.at(0).toString(16);
      const text = fence.error?.message.toLowerCase() ?? '';
      const named =
        fence.error?.address !== undefined || text.includes(hexadecimal) || text.includes(String(FIRST_PAGE));
      ok(named, `the error says at which address: "${fence.error?.message ?? ''}"`);
    },
  },
  {
    name: 'zero-pages',
    rule: 'PageList: only the first `count` elements count, so count 0 is a list of nothing',
    mend: 'accept empty lists; an empty list of flushTlb is not the whole MMU, nor an error',
    async run(env) {
      const rig = await Rig.open(env);
      await rig.page(
        rig.mapCommand([], []),
        rig.unmapCommand([]),
        rig.flushCommand([]),
        rig.copyCommand('copyIn', [], []),
      );
    },
  },
]);

export const probe = defineCases({ level: 'driver', area: 'error' }, [
  {
    name: 'probe',
    rule: 'Backend.probe: says, without side effects, whether open can succeed here; never rejects',
    mend: 'answer available and the names of the devices',
    async run(env) {
      const report = await env.backend.probe();
      equal(report.available, true, 'available: a device was opened on this machine');
      ok(Array.isArray(report.devices) && report.devices.length > 0, 'probe names the devices');
    },
  },
]);
