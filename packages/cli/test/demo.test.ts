import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { afterAll, describe, expect, it } from 'vitest';
import { loadBackend } from '../src/demo/backend.js';
import type { DemoOptions } from '../src/demo/options.js';
import { runDemo } from '../src/demo/run.js';
import { capture } from './capture.js';

const out = mkdtempSync(join(tmpdir(), 'mirrorspace-demo-'));
afterAll(() => rmSync(out, { recursive: true }));

const silent = { step: () => {}, advance: () => {}, stop: () => {} };
const small: DemoOptions = {
  backend: 'memory',
  size: { width: 72, height: 52 },
  eviction: 'lru',
  prefetch: 'none',
  seed: 7,
  out,
};

describe('the demo', () => {
  it.each(['lru', 'clock', 'fifo'] as const)(
    'renders the same picture on a device too small for the scene: %s',
    async (eviction) => {
      const figures = await runDemo(await loadBackend('memory'), { ...small, eviction }, silent, {
        subdivisions: 0,
        rows: 1,
      });
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

  it.each(['next', 'tree'] as const)('does so with prefetch %s', async (prefetch) => {
    const figures = await runDemo(await loadBackend('memory'), { ...small, prefetch }, silent, {
      subdivisions: 0,
      rows: 1,
    });
    expect(figures.verified).toBe(true);
  });

  it('writes the picture, the residency and a trace', async () => {
    const { files } = await runDemo(await loadBackend('memory'), small, silent, { subdivisions: 0, rows: 1 });
    const picture = PNG.sync.read(readFileSync(files.picture));
    expect([picture.width, picture.height]).toEqual([72, 52]);
    expect(new Set(picture.data).size).toBeGreaterThan(50);
    expect(PNG.sync.read(readFileSync(files.residency)).width).toBeGreaterThan(500);
    const trace = JSON.parse(readFileSync(files.trace, 'utf8')) as { traceEvents: { name: string }[] };
    const names = new Set(trace.traceEvents.map(({ name }) => name));
    for (const name of ['fault', 'batch', 'copy in', 'eviction']) expect(names).toContain(name);
  });

  it('renders another scene for another seed', async () => {
    const pictures = await Promise.all(
      [1, 2].map(async (seed) => {
        const options = { ...small, seed, out: join(out, String(seed)) };
        const { files } = await runDemo(await loadBackend('memory'), options, silent, { subdivisions: 0, rows: 1 });
        return readFileSync(files.picture);
      }),
    );
    expect(pictures[0]!.equals(pictures[1]!)).toBe(false);
  });
});

describe('mirrorspace demo', () => {
  it('--json prints one object on stdout and nothing else, for a scene of at least 16 MiB', async () => {
    const { exitCode, stdout, stderr } = await capture('demo', '--json', '--size', '48x32', '--out', out);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(stdout.endsWith('}\n')).toBe(true);
    const figures = JSON.parse(stdout) as Record<string, unknown>;
    expect(figures).toMatchObject({ backend: 'memory', verified: true });
    expect(figures['sceneBytes']).toBeGreaterThanOrEqual(16 * 2 ** 20);
    const numbers = 'sceneBytes deviceBytes faults batches bytesIn bytesOut evictions copyEverythingBytes timeMs';
    for (const name of numbers.split(' ')) expect(figures[name], name).toEqual(expect.any(Number));
  });

  it('prints a table and the paths', async () => {
    const { exitCode, stdout, stderr } = await capture('demo', '--size', '48x32', '--out', out);
    expect(exitCode).toBe(0);
    for (const word of [
      'faults',
      'batches',
      'evictions',
      'to the device',
      'from the device',
      'copying everything',
      'equal',
    ]) {
      expect(stdout).toContain(word);
    }
    expect(stdout).toContain(join(out, 'mirrorspace-demo.png'));
    expect(stderr).toContain('rendering on');
  });

  it('ends with exit code 1 and the error as it is where one work unit does not fit', async () => {
    const { exitCode, stdout, stderr } = await capture('demo', '--memory', '64KiB', '--size', '480x360', '--out', out);
    expect(stderr).toMatch(/mirrorspace: OUT_OF_DEVICE_MEMORY: /);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  });
});
