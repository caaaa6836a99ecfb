import { defineCases } from '../../case.js';
import { bytesEqual, equal, ok, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { SpaceRig } from '../../space-rig.js';
import { wgslAt } from '../../units.js';
import { wasmAdd, wasmAt } from '../../wasm-text.js';

const word = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);

export const exclusive = defineCases({ level: 'mirror', area: 'exclusive' }, [
  {
    name: 'cpu-access-revokes',
    rule: 'Mirror.exclusive: takes pages for the device alone until the CPU touches them',
    mend: 'give exclusive pages back as any other',
    tags: ['hmm:exclusive'],
    cross: { by: ['read', 'write'] },
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 3 });
      for (let page = 0; page < 3; page++) await t.space.write(area.at(page), pattern(page, 64));
      const taken = await t.mirror.exclusive(area.address, area.bytes);
      ok(taken > 0 && taken <= 3, `${taken} pages of 3 taken`);
      await t.mirror.write(area.at(1), pattern(9, 64));
      if (env.params['by'] === 'write') {
        await t.space.write(area.at(1), pattern(10, 64));
        await area.expect(1, pattern(10, 64), 'the page that the CPU wrote');
      } else await area.expect(1, pattern(9, 64), 'the page that the device wrote');
      await area.expect(2, pattern(2, 64), 'a page that nobody wrote since');
    },
  },
  {
    name: 'nothing-to-take',
    rule: 'Mirror.exclusive: a range without a region cannot be taken',
    mend: 'nothing may be mapped where no region is',
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 2 });
      await t.space.unmap(area.address, area.bytes);
      const outcome = await t.mirror.exclusive(area.address, area.bytes).catch(() => 0);
      equal(outcome, 0, 'pages taken of an unmapped range');
      await rejects(t.mirror.read(area.address, 8), ['ADDRESS_NOT_MAPPED'], 'a device read there');
    },
  },
  {
    name: 'atomics-and-the-cpu',
    rule: 'R2: additions of the device and of the CPU to one word, in turn, all count',
    mend: 'atomicAdd is a store: it needs the right to write, and makes the page dirty',
    needs: ['atomics'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 1 });
      for (let i = 0; i < 10; i++) {
        equal(await t.mirror.atomicAdd(area.at(0, 8), 3), 8 * i, `previous value on the device in round ${i}`);
        const held = await t.space.acquire(area.at(0, 8), 4, 'write');
        const words = held.as(Uint32Array);
        words[0] = (words[0] ?? 0) + 5;
        held.release();
      }
      equal(word(await t.space.read(area.at(0, 8), 4)), 80, 'the sum');
    },
  },
  {
    name: 'atomics-of-two-devices',
    rule: 'R3: at most one writable copy: additions of two devices to one word all count',
    mend: 'finish what is under way on a page before it is taken away',
    tags: ['igt:threads', 'hmm:double_map'],
    needs: ['atomics'],
    variants: ['plain', 'small', 'subrange', 'second'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const other = await t.attachAnother();
      const area = await t.map({ pages: 1 });
      const mirrors = [t.mirror, other];
      await Promise.all(
        mirrors.map(async (mirror) => {
          for (let i = 0; i < 15; i++) await mirror.atomicAdd(area.address, 1);
        }),
      );
      equal(word(await t.space.read(area.address, 4)), 30, 'the sum');
    },
  },
  {
    name: 'atomics-of-units',
    rule: 'R2: a work unit takes effect exactly once',
    mend: 'make the addition and the end of the unit one step',
    tags: ['igt:threads-shared-vm'],
    needs: ['atomics', 'program'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 3 });
      const program = t.program({
        js: (ctx, { x }, [at = 0, size = 0]) => void ctx.atomicAdd(at + (x % 3) * size, x),
        wgsl: `_ = atomicAdd_u32(${wgslAt('unit.id.x % 3u')}, unit.id.x);`,
        wasm: wasmAdd(wasmAt('(i32.rem_u (local.get $x) (i32.const 3))'), '(local.get $x)'),
      });
      const options = { args: [area.address, t.pageSize], grid: [60] as [number] };
      const fences = [t.mirror.launch(program, options), t.mirror.launch(program, options)];
      for (const fence of fences) await fence.wait({ timeoutMs: env.waitMs });
      let sum = 0;
      for (let page = 0; page < 3; page++) sum += word(await t.space.read(area.at(page), 4));
      equal(sum, 2 * ((59 * 60) / 2), 'the sum over all pages');
    },
  },
  {
    name: 'neighbours-of-a-word',
    rule: 'AtomicAddCommand: changes the aligned 32-bit word and nothing else',
    mend: 'add within the word; do not carry',
    needs: ['atomics'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 1 });
      await t.space.write(area.address, new Uint8Array(64).fill(0xff));
      equal(await t.mirror.atomicAdd(area.at(0, 8), 1), 0xffffffff, 'the previous value');
      const expected = new Uint8Array(64).fill(0xff);
      expected.fill(0, 8, 12);
      bytesEqual(await t.space.read(area.address, 64), expected, 'the bytes around');
    },
  },
]);
