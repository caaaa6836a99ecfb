import type { Command } from '@mirrorspace/core/driver';
import { defineCases, PAGE_SIZES } from '../../case.js';
import { bytesEqual, equal, ok, refuses, throws } from '../../check.js';
import { pattern } from '../../frames.js';
import { FIRST_PAGE, Rig, RO, RW } from '../../rig.js';

const LARGEST = 2 * 1024 * 1024;

export const limit = defineCases({ level: 'driver', area: 'limit' }, [
  {
    name: 'limits-are-sane',
    rule: 'DeviceLimits: each number as its doc comment says',
    mend: 'correct the limit that the message names',
    async run(env) {
      const { limits, features } = await env.open();
      const { pageSizes, addressBits } = limits;
      ok(pageSizes.length > 0, 'limits.pageSizes names at least one size');
      equal(
        pageSizes.length > 1,
        features.has('page-sizes'),
        'several page sizes exactly where `page-sizes` is claimed',
      );
      for (const [i, size] of pageSizes.entries()) {
        ok(
          size >= 4096 && size <= LARGEST && Number.isInteger(Math.log2(size)),
          `page size ${size}: a power of two from 4096 to 2 MiB`,
        );
        ok(i === 0 || size > (pageSizes[i - 1] ?? Infinity), 'page sizes ascend');
      }
      ok(
        Number.isInteger(addressBits) && addressBits >= 32 && addressBits <= 47,
        `addressBits ${addressBits}: 32 to 47`,
      );
      ok(limits.memory >= (pageSizes[0] ?? LARGEST), 'memory holds at least one page');
      for (const name of ['memory', 'faultBuffer', 'pagesPerCommand', 'commandsPerSubmit', 'residentUnits'] as const) {
        ok(Number.isSafeInteger(limits[name]) && limits[name] > 0, `limits.${name} is a whole number above 0`);
      }
      ok(limits.preemptionUs >= 0, 'limits.preemptionUs ≥ 0');
    },
  },
  {
    name: 'information',
    rule: 'DeviceInfo, FaultSource: names are set; the buffer has the claimed capacity and starts empty',
    mend: 'fill info; start with an empty fault buffer of limits.faultBuffer entries',
    async run(env) {
      const { info, faults, limits } = await env.open();
      ok(
        info.name.length > 0 && info.backend === env.backend.name,
        `info.backend is the backend’s name, ${env.backend.name}`,
      );
      equal(faults.capacity, limits.faultBuffer, 'faults.capacity');
      equal(faults.pending + faults.dropped + faults.retired + faults.stalled, 0, 'counters of a new device');
    },
  },
  {
    name: 'every-frame',
    rule: 'limits.memory: `memory / pageSize` frames at each page size, each with bytes of its own',
    mend: 'claim the memory that frames can really hold; multiply frame numbers without overflow',
    needs: ['mmu:managed', 'frames:2'],
    cross: { pageSize: PAGE_SIZES },
    async run(env) {
      const rig = await Rig.open(env);
      const count = rig.frameCount;
      const frames = [
        ...new Set([0, 1, count >> 1, count - 2, count - 1, ...Array.from({ length: 8 }, () => env.pick(count))]),
      ];
      for (const frame of frames) await rig.load(frame, pattern(frame, rig.pageSize));
      for (const frame of frames)
        bytesEqual(await rig.unload(frame), pattern(frame, rig.pageSize), `frame ${frame} of ${count}`);
    },
  },
  {
    name: 'frame-beyond-memory',
    rule: 'limits.memory: a frame number at or above memory / pageSize is malformed',
    mend: 'check frame numbers in submit: a bad entry corrupts other data silently',
    needs: ['mmu:managed'],
    cross: { kind: ['map', 'copyIn', 'copyOut', 'discard'] },
    async run(env) {
      const rig = await Rig.open(env);
      const kind = env.params['kind'];
      const frame = rig.frameCount;
      const listed = { pageSize: rig.pageSize, count: 1, frames: Uint32Array.of(frame) };
      const commands: Record<string, Command> = {
        map: rig.mapCommand([0], [frame]),
        copyIn: rig.copyCommand('copyIn', [0], [frame]),
        copyOut: rig.copyCommand('copyOut', [0], [frame]),
        discard: { kind: 'discard', ...listed },
      };
      const command = commands[String(kind)] ?? rig.flushCommand();
      throws(() => rig.paging.submit([command]), ['RangeError'], `${kind} of frame ${frame}`);
      equal(rig.paging.depth, 0, 'depth after the refusal');
    },
  },
  {
    name: 'page-beyond-address-space',
    rule: 'DeviceMmu.addressBits: pages at or above 2^addressBits / pageSize do not exist',
    mend: 'check page numbers and addresses in submit',
    needs: ['mmu:managed'],
    async run(env) {
      const rig = await Rig.open(env);
      const end = 2 ** rig.mmu.addressBits;
      const beyond = end / rig.pageSize - FIRST_PAGE;
      throws(
        () => rig.paging.submit([rig.mapCommand([beyond], [0])]),
        ['RangeError'],
        'map of the page behind the last one',
      );
      throws(() => rig.start(rig.readCommand(end, new Uint8Array(1))), ['RangeError'], 'read behind the address space');
      throws(() => rig.start(rig.readCommand(end - 2, new Uint8Array(4))), ['RangeError'], 'read across the end');
    },
  },
  {
    name: 'too-many-pages',
    rule: 'limits.pagesPerCommand: most pages one command may list',
    mend: 'refuse longer lists with RangeError in submit',
    needs: ['mmu:managed'],
    async run(env) {
      const rig = await Rig.open(env);
      const count = rig.device.limits.pagesPerCommand + 1;
      if (count > 4_000_000) return;
      const pages = { mmu: rig.mmu.id, pageSize: rig.pageSize, count, pages: new Float64Array(count).fill(FIRST_PAGE) };
      throws(() => rig.paging.submit([{ kind: 'unmap', ...pages }]), ['RangeError'], `unmap of ${count} pages`);
    },
  },
  {
    name: 'commands-a-submission',
    rule: 'limits.commandsPerSubmit: most commands one submission may hold',
    mend: 'take that many, and refuse one more with RangeError',
    needs: ['mmu:managed'],
    async run(env) {
      const rig = await Rig.open(env);
      const count = rig.device.limits.commandsPerSubmit;
      const most = Math.min(count, 4096);
      await rig.page(...Array.from({ length: most }, () => rig.flushCommand([0])));
      if (count > most) return;
      const over = Array.from({ length: count + 1 }, () => rig.flushCommand([0]));
      throws(() => rig.paging.submit(over), ['RangeError'], `${count + 1} commands`);
    },
  },
  {
    name: 'mmu-options',
    rule: 'Device.createMmu: UNSUPPORTED where addressBits or the page size is not offered',
    mend: 'check the options; open nothing when they are bad',
    cross: {
      option: ['addressBits+1', 'addressBits=31', 'addressBits=NaN', 'faultPageSize=12288', 'faultPageSize=512'],
    },
    async run(env) {
      const device = await env.open();
      const { addressBits } = device.limits;
      const bad: Record<string, Parameters<typeof device.createMmu>[0]> = {
        'addressBits+1': { addressBits: addressBits + 1 },
        'addressBits=31': { addressBits: 31 },
        'addressBits=NaN': { addressBits: NaN },
        'faultPageSize=12288': { addressBits, faultPageSize: 12288 },
        'faultPageSize=512': { addressBits, faultPageSize: 512 },
      };
      const options = bad[String(env.params['option'])] ?? { addressBits };
      await refuses(
        () => device.createMmu(options),
        ['UNSUPPORTED', 'RangeError', 'TypeError'],
        `createMmu(${JSON.stringify(options)})`,
      );
      const mmu = await device.createMmu({ addressBits });
      equal(mmu.addressBits, addressBits, 'addressBits of a good MMU');
      equal(mmu.faultPageSize, device.limits.pageSizes[0], 'default faultPageSize: the smallest');
    },
  },
  {
    name: 'page-sizes-unclaimed',
    rule: 'DeviceFeature page-sizes: answer UNSUPPORTED to page sizes that are not offered',
    mend: 'throw UNSUPPORTED from submit',
    needs: ['mmu:managed', '!page-sizes'],
    async run(env) {
      const rig = await Rig.open(env);
      const pageSize = rig.pageSize === 4096 ? 65536 : 4096;
      const list = { mmu: rig.mmu.id, pageSize, count: 1, pages: Float64Array.of(1) };
      throws(
        () => rig.paging.submit([{ kind: 'unmap', ...list }]),
        ['UNSUPPORTED'],
        `unmap of a ${pageSize}-byte page`,
      );
    },
  },
  {
    name: 'read-only-maps-unclaimed',
    rule: 'DeviceFeature read-only-maps: answer UNSUPPORTED to entries without PTE_WRITE',
    mend: 'throw UNSUPPORTED from submit rather than map the page writable',
    needs: ['mmu:managed', '!read-only-maps'],
    async run(env) {
      const rig = await Rig.open(env);
      throws(() => rig.paging.submit([rig.mapCommand([0], [0], RO)]), ['UNSUPPORTED'], 'map without PTE_WRITE');
      await rig.map([0], [0], RW);
    },
  },
  {
    name: 'unknown-language',
    rule: 'DeviceFeature program:<language>: answer UNSUPPORTED to languages that are not claimed',
    mend: 'throw UNSUPPORTED from submit',
    async run(env) {
      const rig = await Rig.open(env);
      const program = { language: 'no-such-language' };
      const launch = { kind: 'launch', mmu: rig.mmu.id, program, grid: [1, 1, 1], args: [] } as const;
      throws(() => rig.start(launch), ['UNSUPPORTED'], 'launch of a program in no-such-language');
    },
  },
  {
    name: 'js-unclaimed',
    rule: 'DeviceFeature program:js: answer UNSUPPORTED where it is not claimed',
    mend: 'throw UNSUPPORTED from submit',
    needs: ['!program:js'],
    async run(env) {
      const rig = await Rig.open(env);
      throws(() => rig.start(rig.launchJs(() => undefined, [1, 1, 1])), ['UNSUPPORTED'], 'launch of a js program');
    },
  },
]);
