import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { afterAll, describe, expect, it } from 'vitest';
import { loadBackend } from '../src/demo/backend.js';
import type { DemoOptions } from '../src/demo/options.js';
import { runDemo } from '../src/demo/run.js';
import { placeBunnies } from '../src/raytracer/scene.js';
import { capture } from './capture.js';

const out = mkdtempSync(join(tmpdir(), 'mirrorspace-demo-'));
afterAll(() => rmSync(out, { recursive: true }));

const silent = { step: () => {}, advance: () => {}, stop: () => {} };
const options: DemoOptions = {
  backend: 'memory',
  size: { width: 156, height: 116 },
  eviction: 'lru',
  prefetch: 'none',
  seed: 7,
  out,
};
const smallScene = { subdivisions: 0, rows: 2 };

describe('the demo', { timeout: 60_000 }, () => {
  it.each([
    ['lru', 'none'],
    ['clock', 'next'],
    ['fifo', 'tree'],
  ] as const)(
    'renders what the CPU renders, on a device too small for the scene: %s, %s',
    async (eviction, prefetch) => {
      const figures = await runDemo(
        await loadBackend('memory'),
        { ...options, eviction, prefetch },
        silent,
        smallScene,
      );
      expect(figures.verified).toBe(true);
      expect(figures.deviceBytes).toBeLessThanOrEqual(figures.sceneBytes / 4);
      expect(figures.faults).toBeGreaterThan(0);
      expect(figures.evictions).toBeGreaterThan(0);
      expect(figures.bytesIn).toBeGreaterThan(figures.deviceBytes);
      // The whole picture came back.
      expect(figures.bytesOut).toBeGreaterThanOrEqual(figures.pictureBytes);
      expect(figures.copyEverythingBytes).toBe(figures.sceneBytes + figures.pictureBytes);
    },
  );

  it('writes the picture, the residency and a trace', async () => {
    const { files } = await runDemo(await loadBackend('memory'), options, silent, smallScene);
    const picture = PNG.sync.read(readFileSync(files.picture));
    expect([picture.width, picture.height]).toEqual([156, 116]);
    expect(new Set(picture.data).size).toBeGreaterThan(50);
    expect(PNG.sync.read(readFileSync(files.residency)).width).toBeGreaterThan(500);
    const trace = JSON.parse(readFileSync(files.trace, 'utf8')) as { traceEvents: { name: string; ts: number }[] };
    const names = new Set(trace.traceEvents.map(({ name }) => name));
    for (const name of ['fault', 'batch', 'copy in', 'map', 'unmap', 'flush', 'replay']) expect(names).toContain(name);
    // Time passes, else a timeline would show nothing.
    expect(new Set(trace.traceEvents.map(({ ts }) => ts)).size).toBeGreaterThan(100);
  });

  it('--json prints one object on stdout and nothing else, for a scene of at least 16 MiB', async () => {
    const { exitCode, stdout } = await capture('demo', '--json', '--size', '96x72', '--out', out);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^\{.*\}\n$/);
    const figures = JSON.parse(stdout) as Record<string, unknown>;
    expect(figures).toMatchObject({ backend: 'memory', verified: true });
    expect(figures['sceneBytes']).toBeGreaterThanOrEqual(16 * 2 ** 20);
    const numbers = 'sceneBytes deviceBytes faults batches bytesIn bytesOut evictions copyEverythingBytes timeMs';
    for (const name of numbers.split(' ')) expect(figures[name], name).toEqual(expect.any(Number));
  });
});

describe('the scene', () => {
  it('is the same for the same seed and another one for another', () => {
    const [first, again, other] = [1, 1, 2].map((seed) => placeBunnies(4, seed));
    expect(first).toEqual(again);
    expect(first).not.toEqual(other);
    expect(first).toHaveLength(14);
  });
});
