import { MirrorError } from '@mirrorspace/core';
import { describe, expect, it, vi } from 'vitest';
import { CannotRunError, runDemo } from '../src/demo/run.js';
import type { DemoFigures } from '../src/demo/figures.js';
import { capture } from './capture.js';

vi.mock('../src/demo/run.js', async (original) => ({ ...(await original<object>()), runDemo: vi.fn() }));
vi.mock('../src/demo/backend.js', async (original) => ({ ...(await original<object>()), loadBackend: vi.fn() }));
vi.mock('../src/demo/files.js', () => ({ makeFolder: vi.fn() }));

const figures: DemoFigures = {
  ...{
    backend: 'memory',
    device: 'memory:0',
    verified: false,
    comparison: { steps: 0, share: 0, equal: false, different: 9, beyond: 9, allowed: 0, largest: 255 },
    width: 16,
    height: 16,
    triangles: 1,
    sceneBytes: 2 ** 24,
  },
  ...{
    pictureBytes: 1024,
    deviceBytes: 2 ** 22,
    pageSize: 4096,
    eviction: 'lru',
    prefetch: 'none',
    seed: 1,
    launches: 1,
  },
  ...{ faults: 1, batches: 1, pagesIn: 1, pagesOut: 1, bytesIn: 4096, bytesOut: 4096, evictions: 0 },
  ...{ copyEverythingBytes: 2 ** 24, timeMs: 1, deviceTimeMs: 1, buildMs: 1, cpuRenderMs: 1, totalMs: 1 },
  files: { picture: 'a.png', residency: 'b.png', trace: 'c.json' },
};

describe('mirrorspace demo', () => {
  it('ends with exit code 1 when the pictures differ, and shows it', async () => {
    vi.mocked(runDemo).mockResolvedValue(figures);
    const table = await capture('demo');
    expect(table.exitCode).toBe(1);
    expect(table.stdout).toContain('DIFFERENT');
    expect(table.stderr).toContain('differs');
    const json = await capture('demo', '--json');
    expect(json.exitCode).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({ verified: false });
  });

  it('ends with exit code 1 and the reason where the device cannot run it', async () => {
    vi.mocked(runDemo).mockRejectedValue(new CannotRunError('no such hardware'));
    expect(await capture('demo')).toEqual({ exitCode: 1, stdout: '', stderr: 'mirrorspace: no such hardware\n' });
  });

  it('ends with exit code 1 and the typed error as it is, without a stack', async () => {
    vi.mocked(runDemo).mockRejectedValue(new MirrorError('OUT_OF_DEVICE_MEMORY', 'a unit needs more'));
    const expected = { exitCode: 1, stdout: '', stderr: 'mirrorspace: OUT_OF_DEVICE_MEMORY: a unit needs more\n' };
    expect(await capture('demo')).toEqual(expected);
  });

  it('prints a table and the paths when all is well', async () => {
    vi.mocked(runDemo).mockResolvedValue({ ...figures, verified: true });
    const { exitCode, stdout, stderr } = await capture('demo');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const words = ['faults', 'batches', 'evictions', 'to the device', 'from the device', 'copying everything', 'equal'];
    for (const word of [...words, ...Object.values(figures.files)]) expect(stdout).toContain(word);
  });

  it('shows where an unexpected error comes from', async () => {
    vi.mocked(runDemo).mockRejectedValue(new TypeError('a defect'));
    const { exitCode, stderr } = await capture('demo');
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/TypeError: a defect\n\s+at /);
  });
});
