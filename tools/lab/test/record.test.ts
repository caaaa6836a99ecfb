import { existsSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { compare, type Recordable } from '../src/programs/gpu.js';
import { gups } from '../src/programs/gups.js';
import { PROGRAMS } from '../src/programs/index.js';
import { recordProgram } from '../src/record/record.js';
import { shapeOf } from '../src/replay/shape.js';
import { loadTrace } from '../src/trace/memory-trace.js';
import { openTrace } from '../src/trace/open.js';
import { actorOf, isWrite, launchOf } from '../src/trace/page-trace.js';
import { freshFolder } from './trace/helpers.js';

vi.setConfig({ testTimeout: 120_000 });

/** Doubles an array page by page; the CPU looks at its first page between two launches. */
const doubling = (expected: number): Recordable => ({
  name: 'doubling',
  about: 'a test',
  async run(gpu) {
    const data = await gpu.inout(new Uint32Array(4096).fill(1));
    const double = () =>
      gpu.launch(4, (ctx, block) => {
        const at = data.address + 4096 * block;
        for (let i = 0; i < 1024; i++) ctx.store32(at + 4 * i, 2 * ctx.load32(at + 4 * i));
      });
    await double();
    expect((await gpu.read(data))[0]).toBe(2);
    await double();
    return async () => compare('data', await gpu.read(data), new Uint32Array(4096).fill(expected));
  },
});

it('records what a program accesses, by launches, and what the CPU reads between them', async () => {
  const folder = await freshFolder();
  const { path, records } = await recordProgram(doubling(4), folder);
  const { pages, metas, pageSize } = await loadTrace(await openTrace(path));
  expect([pageSize, records]).toEqual([4096, pages.length]);
  const accesses = Array.from(pages, (page, i) => {
    const meta = metas[i]!;
    return `${actorOf(meta) === 0 ? 'cpu' : launchOf(meta)} ${isWrite(meta) ? 'w' : 'r'}${page}`;
  });
  const launch = (index: number) => ['r0', 'r1', 'r2', 'r3', 'w0', 'w1', 'w2', 'w3'].map((text) => `${index} ${text}`);
  expect(accesses).toEqual([...launch(0), 'cpu r0', 'cpu r1', 'cpu r2', 'cpu r3', ...launch(1)]);
});

it('leaves no trace of a program whose result is wrong', async () => {
  const folder = await freshFolder();
  await expect(recordProgram(doubling(5), folder)).rejects.toThrow('data[0] is 4, not 5');
  expect(existsSync(`${folder}/doubling.mstrace.gz`)).toBe(false);
});

it('has programs with names of their own, and records them as they are', async () => {
  expect(PROGRAMS.length).toBeGreaterThanOrEqual(16);
  expect(new Set(PROGRAMS.map(({ name }) => name)).size).toBe(PROGRAMS.length);
  const { path } = await recordProgram(gups, await freshFolder());
  const { touched, stored, hasDevice } = await shapeOf(await openTrace(path));
  expect(hasDevice).toBe(true);
  expect(touched.size).toBeGreaterThan(6000);
  expect(stored.size).toBeLessThan(touched.size);
});
