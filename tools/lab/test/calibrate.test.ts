import { createSpace, recordTrace } from '@mirrorspace/core';
import { memory } from '@mirrorspace/memory';
import { afterEach, expect, it, vi } from 'vitest';
import { calibrateCommand } from '../src/calibrate/command.js';
import { fit } from '../src/calibrate/fit.js';
import { type CostModel, costModel, transferUs, UVMSMART } from '../src/replay/cost-model.js';
import { fileOf } from './trace/helpers.js';

afterEach(() => vi.restoreAllMocks());

const SIZES = Array.from({ length: 40 }, (_, i) => 4096 * (1 + i * i));
const samplesOf = (model: CostModel) => SIZES.map((bytes) => ({ bytes, us: model.batchUs + transferUs(model, bytes) }));

it('finds the model by which samples were made', () => {
  for (const model of [UVMSMART, costModel({ batchUs: 12, peakGBs: 25, slopePerKiB: 0.01 })]) {
    const found = fit(samplesOf(model));
    expect(found.error).toBeLessThan(0.005);
    expect(found.model.batchUs / model.batchUs).toBeCloseTo(1, 1);
    expect(found.model.peakGBs / model.peakGBs).toBeCloseTo(1, 1);
    for (const bytes of SIZES) expect(transferUs(found.model, bytes) / transferUs(model, bytes)).toBeCloseTo(1, 1);
  }
});

it('needs sizes that differ, and samples', () => {
  expect(() => fit([{ bytes: 4096, us: 1 }])).toThrow(RangeError);
  expect(() => fit([...samplesOf(UVMSMART), { bytes: 4096, us: 0 }])).toThrow(RangeError);
  expect(() => fit([...samplesOf(UVMSMART), { bytes: NaN, us: 1 }])).toThrow(RangeError);
});

it('lab calibrate reads what a mirror reported of its copies', async () => {
  // 2 us a command, and a microsecond for 4,000 bytes: 4 GB/s.
  const device = await memory.open({ memory: 2 ** 22, latency: { command: 2, copyBytesPerUs: 4000 } });
  const space = await createSpace();
  const mirror = await space.attach(device, { eviction: 'lru', prefetch: 'none' });
  const { address } = space.map({ bytes: 2 ** 21 });
  await space.write(address, new Uint8Array(2 ** 21).fill(1));
  const recording = recordTrace(space.trace);
  let at = address;
  for (const pages of [1, 2, 4, 8, 16, 32, 64, 128]) {
    await mirror.prefetch(at, pages * 4096);
    at += pages * 4096;
  }
  recording.stop();
  await space.close();
  await device.close();
  const lines: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
  await calibrateCommand().parseAsync([await fileOf('events.json', JSON.stringify(recording.events))], {
    from: 'user',
  });
  const [, batch, peak] = /^--batch-us ([\d.]+) --peak ([\d.]+) --slope [\d.e-]+$/.exec(lines[0]!)!;
  expect(Number(batch)).toBeGreaterThan(2);
  expect(Number(batch)).toBeLessThan(30);
  expect(Number(peak)).toBeGreaterThan(3);
  expect(Number(peak)).toBeLessThan(5);
});
