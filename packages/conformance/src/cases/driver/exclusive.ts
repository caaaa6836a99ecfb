import { defineCases } from '../../case.js';
import { bytesEqual, equal, throws } from '../../check.js';
import { pattern } from '../../frames.js';
import { Rig } from '../../rig.js';

const word = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);

export const exclusive = defineCases({ level: 'driver', area: 'exclusive', needs: ['mmu:managed', 'frames:2'] }, [
  {
    name: 'atomic-add',
    rule: 'AtomicAddCommand: adds modulo 2^32; previous[0] receives the old value',
    mend: 'add unsigned, wrap around, and change no byte beside the word',
    needs: ['atomics'],
    async run(env) {
      const rig = await Rig.open(env);
      await rig.load(0, pattern(0, rig.pageSize));
      await rig.map([0], [0]);
      await rig.write(rig.at(0, 8), Uint8Array.of(0xfe, 0xff, 0xff, 0xff));
      const previous = new Uint32Array(1);
      await rig.wait(rig.start(rig.atomicCommand(rig.at(0, 8), 5, previous)));
      equal(previous[0], 0xfffffffe, 'previous value');
      const after = await rig.unload(0);
      equal(word(after.slice(8, 12)), 3, 'the word after the addition');
      const expected = pattern(0, rig.pageSize);
      expected.set([3, 0, 0, 0], 8);
      bytesEqual(after, expected, 'the bytes around the word');
    },
  },
  {
    name: 'atomic-adds-add-up',
    rule: 'AtomicAddCommand: exactly once each, whatever queues they come from',
    mend: 'make the read-modify-write one step on the device',
    tags: ['igt:threads', 'igt:several-queues'],
    needs: ['atomics'],
    async run(env) {
      const rig = await Rig.open(env);
      await rig.load(0, new Uint8Array(4));
      await rig.map([0], [0]);
      const users = rig.device.queues.filter(({ paging }) => !paging);
      const fences = Array.from({ length: 60 }, (_, i) => {
        const queue = users[i % users.length] ?? rig.user;
        return queue.submit([rig.atomicCommand(rig.at(0), i)]);
      });
      for (const fence of fences) await rig.wait(fence);
      equal(word(await rig.unload(0)), (59 * 60) / 2, 'the sum');
    },
  },
  {
    name: 'atomic-unaligned',
    rule: 'AtomicAddCommand: adds to the aligned 32-bit word',
    mend: 'refuse addresses that are no multiple of 4',
    needs: ['atomics'],
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0], [0]);
      throws(() => rig.start(rig.atomicCommand(rig.at(0, 2), 1)), ['RangeError'], 'atomicAdd at an unaligned address');
      equal(rig.user.depth, 0, 'depth after the refusal');
    },
  },
  {
    name: 'atomics-unclaimed',
    rule: 'DeviceFeature atomics: answer UNSUPPORTED to what is not claimed',
    mend: 'throw UNSUPPORTED from submit',
    needs: ['!atomics'],
    async run(env) {
      const rig = await Rig.open(env);
      await rig.map([0], [0]);
      throws(() => rig.start(rig.atomicCommand(rig.at(0), 1)), ['UNSUPPORTED'], 'atomicAdd');
    },
  },
  {
    name: 'mirroring-commands',
    rule: 'MirroringCommand: for MMUs that the device’s own driver fills; a managed MMU answers UNSUPPORTED',
    mend: 'throw UNSUPPORTED from submit for prefetch, migrate, snapshot, exclusive and advise',
    cross: { kind: ['prefetch', 'migrate', 'snapshot', 'exclusive', 'advise'] },
    async run(env) {
      const rig = await Rig.open(env);
      const span = { mmu: rig.mmu.id, start: rig.at(0), end: rig.at(1) };
      const commands = {
        prefetch: { kind: 'prefetch', ...span },
        migrate: { kind: 'migrate', ...span, to: 'device', moved: new Uint32Array(1) },
        snapshot: { kind: 'snapshot', ...span, flags: new Uint8Array(1) },
        exclusive: { kind: 'exclusive', ...span, taken: new Uint32Array(1) },
        advise: { kind: 'advise', ...span, preferred: 'device', readMostly: false, accessedBy: false },
      } as const;
      const command = commands[env.params['kind'] as keyof typeof commands];
      throws(() => rig.paging.submit([command]), ['UNSUPPORTED'], `${command.kind} for a managed MMU`);
      equal(rig.paging.depth, 0, 'depth after the refusal');
    },
  },
]);

export const managedOnMirroring = defineCases({ level: 'driver', area: 'exclusive', needs: ['mmu:mirroring'] }, [
  {
    name: 'managed-commands',
    rule: 'PagingCommand: a mirroring MMU is filled by its own driver and answers UNSUPPORTED to map, unmap, protect and harvest',
    mend: 'throw UNSUPPORTED from submit',
    cross: { kind: ['map', 'unmap', 'protect', 'harvest'] },
    async run(env) {
      const rig = await Rig.open(env);
      const commands = {
        map: rig.mapCommand([0], [0]),
        unmap: rig.unmapCommand([0]),
        protect: rig.protectCommand([0], 3),
        harvest: { kind: 'harvest', ...rig.list([0]), bits: new Uint8Array(1) },
      } as const;
      const command = commands[env.params['kind'] as keyof typeof commands];
      throws(() => rig.paging.submit([command]), ['UNSUPPORTED'], `${command.kind} for a mirroring MMU`);
    },
  },
]);
