import { createSpace, type JsProgram, validate } from '@mirrorspace/core';
import { memory } from '@mirrorspace/memory';
import { expect, test } from 'vitest';

const double: JsProgram = {
  language: 'js',
  run(ctx, id, args) {
    const at = args[0]! + id.x * 4;
    ctx.store32(at, ctx.load32(at) * 2);
  },
};

for (const latency of ['zero', {}] as const) {
  test(`a device doubles what the CPU wrote, with a quarter of the memory: ${JSON.stringify(latency)}`, async () => {
    const device = validate(await memory.open({ memory: 16 * 4096, latency }));
    const space = await createSpace();
    const mirror = await space.attach(device);
    const words = 64 * 1024;
    const region = space.map({ bytes: words * 4 });
    {
      using held = await region.acquire('write');
      const array = held.as(Uint32Array);
      for (let i = 0; i < words; i++) array[i] = i;
    }
    await mirror.launch(double, { args: [region.address], grid: [words] }).wait();
    {
      using held = await region.acquire('read');
      const array = held.as(Uint32Array);
      for (let i = 0; i < words; i++) if (array[i] !== i * 2) expect(array[i]).toBe(i * 2);
    }
    expect(mirror.stats.evictions).toBeGreaterThan(0);
    await space.close();
    await device.close();
  });
}
