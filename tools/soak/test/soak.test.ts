import { describe, expect, test } from 'vitest';
import { configFrom } from '../src/config.js';
import { Generator } from '../src/generate.js';
import { checkGrowth, type Holdings } from '../src/growth.js';
import { Random } from '../src/random.js';
import { soak } from '../src/soak.js';
import { compareAll } from '../src/steps.js';
import { toWgsl } from '../src/wgsl.js';
import { World } from '../src/world.js';

const MIB = 2 ** 20;

describe('the soak', () => {
  test('does the same again from the same seed', () => {
    const programs = (seed: number) => {
      const random = new Random(seed);
      return [configFrom(random), ...Array.from({ length: 20 }, () => toWgsl(Generator.make(random, 64), 1024))];
    };
    expect(programs(7)).toEqual(programs(7));
    expect(programs(7)).not.toEqual(programs(8));
  });

  test('keeps programs to the pages that a unit may touch', () => {
    for (let seed = 0; seed < 200; seed++) {
      const { pages, lanes } = Generator.make(new Random(seed), 64);
      expect(lanes === 1 || pages <= 64).toBe(true);
    }
  });

  test('finds nothing on the reference device', async () => {
    const lines: string[] = [];
    const say = (line: string) => void lines.push(line);
    const result = await soak({ backend: 'memory', seed: 3, ms: 60_000, steps: 150, say, verbose: false });
    expect(result.steps).toBe(150);
    expect(result.launches).toBeGreaterThan(10);
    expect(lines[0]).toContain('--seed 3');
  }, 120_000);

  test('notices a word that is wrong', async () => {
    const world = await World.open('memory', { ...configFrom(new Random(1)), size: 4096, areas: 2 });
    await compareAll(world);
    await world.mirror.write(world.areas[1]!.address + 40, Uint8Array.of(3));
    await expect(compareAll(world)).rejects.toThrow('word 10 is 3, not 0 (read by the CPU; 1 of 4096 words are wrong)');
    await world.close();
  });

  test('notices memory that grows', () => {
    const before: Holdings = { rss: 200 * MIB, buffers: 20 * MIB, heap: 9 * MIB, device: 4 * MIB, metadata: MIB };
    expect(() => checkGrowth(before, { ...before, rss: 300 * MIB })).not.toThrow();
    expect(() => checkGrowth(before, { ...before, buffers: 40 * MIB })).toThrow(
      'buffers grew from 20.0 MiB to 40.0 MiB',
    );
    expect(() => checkGrowth(before, { ...before, device: 6 * MIB })).toThrow('device grew');
  });
});
