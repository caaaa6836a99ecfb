import { defineCases } from '../../case.js';
import { bytesEqual, equal, ok } from '../../check.js';
import { pattern } from '../../frames.js';
import { SpaceRig } from '../../space-rig.js';
import { wgslAt } from '../../units.js';
import { wasmAdd, wasmAt } from '../../wasm-text.js';

export const limit = defineCases({ level: 'mirror', area: 'limit' }, [
  {
    name: 'any-length',
    rule: 'AddressSpace.map: bytes may be any positive integer; it is rounded up to pages',
    mend: 'nothing of the device is involved but whole pages',
    cross: { bytes: [1, 4095, 4097, 100_001] },
    variants: ['plain', 'small', 'second', 'pair'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const bytes = Number(env.params['bytes']);
      const region = t.space.map({ bytes });
      equal(region.bytes, Math.ceil(bytes / t.pageSize) * t.pageSize, 'bytes of the region');
      await t.mirror.write(region.end - 4, pattern(1, 4));
      bytesEqual(await t.space.read(region.end - 4, 4), pattern(1, 4), 'the last four bytes');
    },
  },
  {
    name: 'end-of-the-address-space',
    rule: 'DeviceLimits.addressBits: the last page can be mapped and accessed',
    mend: 'keep all bits of page numbers; ends are exclusive',
    tags: ['igt:large'],
    variants: ['plain', 'small', 'second', 'pair'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const end = 2 ** Math.min(47, t.device.limits.addressBits);
      const region = t.space.map({ bytes: t.pageSize, address: end - t.pageSize, fixed: true });
      await t.mirror.write(region.address, pattern(1, 64));
      await t.mirror.write(end - 8, pattern(2, 8));
      bytesEqual(await t.space.read(region.address, 64), pattern(1, 64), 'the start of the last page');
      bytesEqual(await t.space.read(end - 8, 8), pattern(2, 8), 'the last eight bytes');
    },
  },
  {
    name: 'one-frame',
    rule: 'R8: a device with a single frame still makes progress',
    mend: 'one page at a time must be possible: unmap, flush, copy and map in one submission',
    tags: ['igt:evict'],
    async run(env) {
      const t = await SpaceRig.open(env, { frames: 1 });
      const area = await t.map({ pages: 5 });
      for (let page = 0; page < 5; page++) await t.mirror.write(area.at(page), pattern(page, 64));
      for (let page = 0; page < 5; page++) await area.expect(page, pattern(page, 64), `page ${page}`);
    },
  },
  {
    name: 'long-accesses',
    rule: 'limits.pagesPerCommand: longer lists go in several commands',
    mend: 'take as many pages a command as is claimed',
    tags: ['igt:large'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 6 });
      const bytes = pattern(1, area.bytes - 100);
      await t.mirror.write(area.at(0, 50), bytes);
      bytesEqual(await t.space.read(area.at(0, 50), bytes.length), bytes, 'what the device wrote over six pages');
      bytesEqual(await t.mirror.read(area.at(0, 50), bytes.length), bytes, 'the same, read on the device');
    },
  },
  {
    name: 'more-faults-than-buffer',
    rule: 'FaultSource: when the buffer is full, a fault is dropped and reported again on replay',
    mend: 'keep the access of a dropped fault stalled, and report it on the next replay',
    tags: ['igt:multi-fault', 'igt:many'],
    needs: ['program', 'atomics'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 40 });
      const units = Math.min(2000, 2 * t.device.inner.limits.faultBuffer + 10);
      const program = t.program({
        js: (ctx, { x }, [at = 0, size = 0]) => void ctx.atomicAdd(at + (x % 40) * size, 1),
        wgsl: `_ = atomicAdd_u32(${wgslAt('unit.id.x % 40u')}, 1u);`,
        wasm: wasmAdd(wasmAt('(i32.rem_u (local.get $x) (i32.const 40))')),
      });
      await t.mirror
        .launch(program, { args: [area.address, t.pageSize], grid: [units] })
        .wait({ timeoutMs: env.waitMs });
      let sum = 0;
      for (let page = 0; page < 40; page++) {
        const bytes = await t.space.read(area.at(page), 4);
        sum += new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
      }
      equal(sum, units, 'units that took effect');
      ok(t.device.faults.stalled === 0, 'nothing is stalled at the end');
    },
  },
]);
