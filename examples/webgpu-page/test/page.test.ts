import { openBrowser, serve, type Site } from '@mirrorspace/browser';
import { createSpace } from '@mirrorspace/core';
import {
  buildWorld,
  comparePictures,
  placeWorld,
  type PlacedWorld,
  renderOnCpu,
  ROUNDING,
  writeTarget,
} from 'mirrorspace/raytracer';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { cameraOf, moved, type Orbit, START } from '../src/orbit.js';
import { SCENES, SEED } from '../src/settings.js';

const WIDTH = 96;
const HEIGHT = 72;
/** All of it fits into 1 MiB; a quarter of that is less than half of it. */
const SMALL = `?scene=small&size=${WIDTH}x${HEIGHT}&memory=${2 ** 20}`;
const WAIT = { timeout: 60_000 };

let site: Site;
let browser: Browser;

beforeAll(async () => {
  site = await serve(await built());
  ({ browser } = await openBrowser());
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await site?.[Symbol.asyncDispose]();
});

/** The files that `npm run build` makes. */
async function built(): Promise<Record<string, string | Uint8Array>> {
  const configFile = fileURLToPath(new URL('../vite.config.ts', import.meta.url));
  const result = await build({ configFile, logLevel: 'warn', build: { write: false, sourcemap: false } });
  const files: Record<string, string | Uint8Array> = {};
  for (const { output } of [result].flat() as Extract<typeof result, { output: unknown }>[])
    for (const file of output) files[`/${file.fileName}`] = file.type === 'asset' ? file.source : file.code;
  return { ...files, '/': files['/index.html']! };
}

/** Opens the page; whatever it complains about fails the test. */
async function open(query: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', ({ message }) => void complaints.push(message));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(site.url) && !/^(blob|data):/.test(request.url())) complaints.push(request.url());
  });
  onTestFinished(async () => {
    await context.close();
    expect(complaints).toEqual([]);
  });
  await page.goto(site.url + query);
  return page;
}

/** Waits until the page has rendered its `count`th picture, and has nothing to do. */
async function pictures(page: Page, count: number): Promise<void> {
  await page.waitForFunction(
    (least) => {
      const { state, frames } = document.documentElement.dataset;
      return state === 'failed' || (state === 'idle' && Number(frames) >= least);
    },
    count,
    WAIT,
  );
  expect(await page.locator('#problem').isVisible(), await page.locator('#problem').innerText()).toBe(false);
}

/** The pixels of the page's canvas. */
async function pixels(page: Page): Promise<Uint32Array> {
  const bytes = await page.locator('#view').evaluate((canvas: HTMLCanvasElement) => {
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true })!;
    copy.drawImage(canvas, 0, 0);
    return Array.from(copy.getImageData(0, 0, canvas.width, canvas.height).data);
  });
  return new Uint32Array(Uint8Array.from(bytes).buffer);
}

/** What the reference renderer in JavaScript sees from an orbit. */
async function reference(orbit: Orbit): Promise<Uint32Array> {
  const world = buildWorld({ seed: SEED, ...SCENES.small });
  const space = await createSpace();
  const size = { width: WIDTH, height: HEIGHT };
  const placed: PlacedWorld = await placeWorld(space, world, size, 2 ** 33);
  {
    using held = await space.acquire(placed.scene.address, space.pageSize, 'write');
    const camera = cameraOf(orbit, WIDTH / HEIGHT);
    writeTarget(held.bytes, { pixels: placed.output.address, ...size, pitch: placed.pitch, camera });
  }
  const picture = await renderOnCpu(space, placed);
  await space.close();
  return picture;
}

async function expectPicture(page: Page, orbit: Orbit): Promise<void> {
  const compared = comparePictures(await pixels(page), WIDTH, await reference(orbit), WIDTH, ROUNDING);
  expect(compared).toMatchObject({ equal: true });
}

async function figure(page: Page, name: string): Promise<number> {
  const text = await page.locator(`#figures div:has(dt:text-is("${name}")) dd`).textContent(WAIT);
  return Number(text!.replaceAll(',', ''));
}

test('the picture is right, with less device memory and from elsewhere, by keyboard', async () => {
  const page = await open(SMALL);
  await pictures(page, 1);
  await expectPicture(page, START);
  expect(await figure(page, 'Faults')).toBeGreaterThan(0);
  expect(await figure(page, 'Evictions')).toBe(0);
  const longest = await page.evaluateHandle(() => {
    const seen = { ms: 0 };
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) seen.ms = Math.max(seen.ms, duration);
    }).observe({ type: 'longtask' });
    return seen;
  });

  await page.getByRole('slider', { name: 'Memory' }).focus();
  await page.keyboard.press('Home');
  await pictures(page, 2);
  expect(await page.getByRole('slider').getAttribute('aria-valuetext')).toMatch(/^256\sKiB, 4\d % of the scene$/);
  expect(page.url()).toContain(`memory=${2 ** 18}`);
  expect(await figure(page, 'Evictions')).toBeGreaterThan(100);
  await expectPicture(page, START);
  // Every page of the map is somewhere, and no more on the device than it has room for.
  const label = await page.getByRole('img', { name: /^Pages of the scene/ }).getAttribute('aria-label');
  const [nowhere, host, both, owned] = label!.match(/\d+(?= )/g)!.map(Number) as [number, number, number, number];
  expect(nowhere + host + both + owned).toBe(160);
  expect(both + owned).toBeGreaterThan(32);
  expect(both + owned).toBeLessThanOrEqual(64);
  // What just came or left is news for a moment only.
  await expect.poll(() => page.locator('#legend').textContent(), { timeout: 10_000 }).toMatch(/came 0.*left 0$/);

  await page.getByRole('application', { name: 'The scene' }).focus();
  for (const key of ['ArrowRight', 'ArrowRight', 'ArrowUp', '+']) await page.keyboard.press(key);
  await pictures(page, 3);
  await expectPicture(page, moved(moved(moved(moved(START, 0.12, 0), 0.12, 0), 0, 0.12), 0, 0, 1 / 1.12));
  await page.keyboard.press('Home');
  await pictures(page, 4);
  await expectPicture(page, START);
  // 0 on an idle machine: no task of the page's own thread takes 50 ms, which is where long ones begin.
  expect((await longest.jsonValue()).ms).toBeLessThan(200);
});

test('a dropped file goes through the GPU: its CRC-32 is right, and what it needs is bounded', async () => {
  const page = await open(SMALL);
  await pictures(page, 1);
  const bytes = 3_000_001;
  await page.locator('#drop').evaluate((target, length) => {
    const file = new File([Uint8Array.from({ length }, (_, i) => (i * 2654435761) >>> 24)], 'numbers.bin');
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(file);
    target.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
  }, bytes);
  await page.waitForSelector('#file-result[data-state=done], #file-result[data-state=failed]', WAIT);
  const crc = crc32(Uint8Array.from({ length: bytes }, (_, i) => (i * 2654435761) >>> 24));
  expect(await page.locator('#file-status').textContent()).toContain(
    `CRC-32 ${crc.toString(16).padStart(8, '0')}: 3,000,001 bytes`,
  );
  expect(await page.locator('#file-figures').textContent()).toMatch(/Evictions[1-9]/);
  const map = page.getByRole('img', { name: /^Pages of the file/ });
  expect(await map.getAttribute('aria-label')).toMatch(/ 0 owned/);

  await page.locator('#file').setInputFiles({ name: 'empty', mimeType: '', buffer: Buffer.alloc(0) });
  await expect.poll(() => page.locator('#file-status').textContent()).toMatch(/empty/);
});

test('on a phone nothing is wider than the screen, and everything can be reached and has a name', async () => {
  const page = await open(SMALL, { viewport: { width: 360, height: 740 }, colorScheme: 'dark', hasTouch: true });
  await pictures(page, 1);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  const controls = 'button, input, select, canvas[tabindex]';
  const expected = await page.locator(controls).evaluateAll((all) => all.filter((one) => one.checkVisibility()).length);
  const reached = new Set<string>();
  for (let i = 0; i < expected; i += 1) {
    await page.keyboard.press('Tab');
    reached.add(
      await page.evaluate(() => {
        const { activeElement: at } = document;
        const labels = at instanceof HTMLInputElement || at instanceof HTMLSelectElement ? at.labels : null;
        return at?.getAttribute('aria-label') ?? (labels ? labels[0]?.textContent : at?.textContent) ?? '';
      }),
    );
  }
  expect(reached).toEqual(
    new Set(
      ['The scene', 'Turn left', 'Turn right', 'Higher', 'Lower', 'Nearer', 'Farther', 'Reset', 'Keep turning'].concat(
        'Order',
        'Memory',
        'Eviction',
        'Prefetch',
        'Scene',
        'Picture',
        'Choose a file',
      ),
    ),
  );
});

test('a tile that needs more than the device has is explained, and more memory mends it', async () => {
  const page = await open('?scene=medium&size=16x16&memory=262144&prefetch=none');
  await expect.poll(() => page.getByRole('alert').textContent(), WAIT).toMatch(/needs more pages at once/);
  await page.getByRole('slider').focus();
  await page.keyboard.press('End');
  await pictures(page, 1);
  expect(await page.getByRole('alert').count()).toBe(0);
  // Dragging turns.
  await page.getByRole('application').dragTo(page.getByRole('application'), {
    sourcePosition: { x: 100, y: 100 },
    targetPosition: { x: 200, y: 120 },
  });
  await pictures(page, 2);
});

test('without WebGPU, the page says so and what helps', async () => {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.addInitScript(() => void Object.defineProperty(Navigator.prototype, 'gpu', { value: undefined }));
    await page.goto(site.url);
    expect(await page.getByRole('alert').textContent()).toMatch(/no WebGPU.*Chrome/);
    expect(await page.getByRole('slider').isDisabled()).toBe(true);
  } finally {
    await context.close();
  }
});
