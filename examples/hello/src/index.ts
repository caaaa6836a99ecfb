import { createSpace, type JsProgram } from '@mirrorspace/core';
import { memory } from '@mirrorspace/memory';

const double: JsProgram['run'] = (ctx, { x }, [at = 0]) => ctx.storeF32(at + 4 * x, 2 * ctx.loadF32(at + 4 * x));
const space = await createSpace();
const mirror = await space.attach(await memory.open({ memory: '64 KiB' }));
const numbers = space.map({ bytes: 1 << 20 });
{
  using held = await numbers.acquire('write');
  held.as(Float32Array).forEach((_, i, all) => (all[i] = i));
}
await mirror.launch({ language: 'js', run: double }, { args: [numbers.address], grid: [numbers.bytes / 4] }).wait();
const doubled = new Float32Array((await space.read(numbers.address, numbers.bytes)).buffer);
if (!doubled.every((value, i) => value === 2 * i)) throw new Error('not doubled');
console.log(`1 MiB doubled on a device of 64 KiB, in ${mirror.stats.faults} page faults`);
await space.close();
