import { RESIDENT_DEVICE, RESIDENT_HOST } from '@mirrorspace/core';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { Canvas, encodePng } from '../src/demo/canvas.js';
import { hilbert } from '../src/raytracer/hilbert.js';
import { drawResidency } from '../src/demo/picture.js';
import { ResidencyRecorder } from '../src/demo/residency-recorder.js';
import { comparePictures } from '../src/raytracer/verify.js';

describe('hilbert', () => {
  it.each([
    [1, 1],
    [8, 8],
    [15, 12],
    [3, 17],
  ])('visits each of %i x %i once', (columns, rows) => {
    const visited = [...hilbert(columns, rows)].map(([x, y]) => y * columns + x);
    expect(visited.sort((a, b) => a - b)).toEqual(Array.from({ length: columns * rows }, (_, i) => i));
  });

  it('goes from neighbour to neighbour', () => {
    const path = [...hilbert(16, 16)];
    const steps = path.slice(1).map(([x, y], i) => Math.abs(x - path[i]![0]) + Math.abs(y - path[i]![1]));
    expect(new Set(steps)).toEqual(new Set([1]));
  });
});

describe('comparePictures', () => {
  it('counts differences row by row, whatever lies between the rows', () => {
    const actual = Uint32Array.of(1, 2, 77, 3, 4, 99);
    expect(comparePictures(actual, 3, Uint32Array.of(1, 2, 3, 4), 2)).toMatchObject({ equal: true, different: 0 });
    expect(comparePictures(actual, 3, Uint32Array.of(1, 2, 0, 0), 2)).toEqual({
      ...{ equal: false, different: 2, beyond: 2, allowed: 0, largest: 4, first: 2 },
    });
  });

  it('allows small differences anywhere, and large ones in a share of the pixels', () => {
    const expected = new Uint32Array(1000).fill(0xff808080);
    const actual = expected.map((pixel, i) => (i % 2 === 0 ? pixel + 0x020002 : pixel - 0x0200));
    const compared = (tolerance = { steps: 2, share: 0.002 }) =>
      comparePictures(actual, 1000, expected, 1000, tolerance);
    expect(compared()).toEqual({ equal: true, different: 1000, beyond: 0, allowed: 2, largest: 2 });
    expect(compared({ steps: 1, share: 0.002 })).toMatchObject({ equal: false, beyond: 1000, first: 0 });
    actual[5] = 0xff108080;
    actual[7] = 0x00808080;
    expect(compared()).toMatchObject({ equal: true, beyond: 2, largest: 255, first: 5 });
    actual[9] = 0xff808380;
    expect(compared()).toMatchObject({ equal: false, beyond: 3 });
  });
});

describe('encodePng', () => {
  it('writes what a decoder reads back', () => {
    const rgba = Uint8Array.from({ length: 24 }, (_, i) => (i % 4 === 3 ? 255 : i * 10));
    const png = PNG.sync.read(encodePng(3, 2, rgba));
    expect([png.width, png.height]).toEqual([3, 2]);
    expect([...png.data]).toEqual([...rgba]);
  });
});

describe('Canvas', () => {
  it('leaves out what lies outside, and draws letters', () => {
    const canvas = new Canvas(8, 6, 0xffffff);
    canvas.fill(-5, -5, 6, 6, 0x102030);
    expect(canvas.text(2, 1, 'i', 0x000000, 1)).toBe(6);
    const { data } = PNG.sync.read(canvas.png());
    const dark = Array.from({ length: 48 }, (_, i) => i).filter((i) => data[i * 4] !== 255);
    expect(dark).toEqual([0, 10, 11, 12, 19, 27, 35, 42, 43, 44]);
  });
});

describe('the residency picture', () => {
  const colourAt = (png: PNG, x: number, y: number): number => png.data.readUInt32BE((y * png.width + x) * 4) >>> 8;

  it('shows a page a row and a sample a column in the colour of where it was', () => {
    const states = [RESIDENT_HOST, RESIDENT_HOST | RESIDENT_DEVICE, RESIDENT_DEVICE, 0];
    let time = 0;
    const recorder = new ResidencyRecorder(
      { residency: (_, bytes) => new Uint8Array(bytes / 4096).fill(states[time]!) },
      [{ name: 'scene', start: 2 ** 46, bytes: 8 * 4096 }],
    );
    for (; time < states.length; time += 1) recorder.sample();
    const png = PNG.sync.read(drawResidency(recorder.histories, 'test'));
    const colours = [0, 1, 2, 3].map((sample) => colourAt(png, 118 + 210 * sample + 100, 200));
    expect(colours).toEqual([0x9db4cf, 0x2a9d8f, 0xe76f51, 0xeeece6]);
  });

  it('keeps samples apart though the source reuses its array', () => {
    const shared = new Uint8Array(1);
    const recorder = new ResidencyRecorder({ residency: () => shared }, [{ name: 'a', start: 0, bytes: 4096 }]);
    recorder.sample();
    shared[0] = RESIDENT_DEVICE;
    recorder.sample();
    expect(recorder.histories[0]!.samples.map((sample) => sample[0])).toEqual([0, RESIDENT_DEVICE]);
  });

  it('mixes the colours of pages that share a row', () => {
    const sample = Uint8Array.from({ length: 960 }, (_, page) => (page % 2 === 0 ? RESIDENT_HOST : RESIDENT_DEVICE));
    const history = { name: 'scene', start: 0, bytes: 960 * 4096, samples: [sample] };
    const png = PNG.sync.read(drawResidency([history], 'test'));
    expect(colourAt(png, 400, 300)).toBe(0xc29290);
  });
});
