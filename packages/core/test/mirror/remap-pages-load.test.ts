import { bytesSource, createSpace, type RemapPagesOptions } from '@mirrorspace/core';
import { type DeviceEvent, TYPICAL_LATENCY } from '@mirrorspace/memory';
import { expect, it } from 'vitest';
import { expectBytes, openDevice, PAGE, pattern } from '../space/helpers.js';

const BASE = 0x4000_0000;
/** Pages that change. */
const PAGES = 256;
const BYTES = PAGES * PAGE;

type Form = NonNullable<RemapPagesOptions['form']>;
type Touch = 'none' | 'cpu' | 'device';

interface Setting {
  readonly memory: 'file' | 'private';
  /** What the device did with all pages that are mapped. */
  readonly had: 'read' | 'written';
}

interface Cost {
  /** Simulated microseconds until the promise resolved. */
  readonly doneUs: number;
  /** Simulated microseconds that a touch took which began when the range was invalidated; 0 where there was none. */
  readonly touchUs: number;
  /** Commands of the device until then, accesses left out. */
  readonly commands: number;
  /** Pages that were copied home until then. */
  readonly pagesOut: number;
}

/** Rearranges pages that a device has, and touches the first of them once it is invalidated. */
async function measure({ memory, had }: Setting, form: Form, touch: Touch): Promise<Cost> {
  let commands = 0;
  const accesses = ['read', 'write', 'fill', 'atomicAdd', 'launch'];
  const onEvent = ({ type, command }: DeviceEvent) => {
    if (type === 'command' && command !== undefined && !accesses.includes(command)) commands++;
  };
  const device = await openDevice(3 * PAGES, { latency: TYPICAL_LATENCY, onEvent });
  const space = await createSpace();
  const mirror = await space.attach(device, { prefetch: 'none' });
  const content = pattern(2 * BYTES);
  const region =
    memory === 'file'
      ? space.map({ bytes: BYTES, address: BASE, fixed: true, source: bytesSource(content.slice()), share: 'shared' })
      : space.map({ bytes: 2 * BYTES, address: BASE, fixed: true });
  if (memory === 'private') await space.write(BASE, content);
  if (had === 'read') await mirror.read(BASE, region.bytes);
  else await mirror.write(BASE, content.subarray(0, region.bytes));

  const since = device.now();
  const { pagesOut } = mirror.stats;
  commands = 0;
  let doneUs = 0;
  let touchUs = 0;
  let touching: Promise<void> | undefined;
  const begin = async () => {
    const from = device.now();
    await (touch === 'cpu' ? space : mirror).read(BASE, 4);
    touchUs = device.now() - from;
  };
  const invalidate = () => {
    // Right after the step in which devices are told.
    if (touch !== 'none') touching ??= Promise.resolve().then(begin);
  };
  const notifier = space.notifiers.insert({ start: BASE, end: BASE + BYTES, invalidate });
  await region.remapPages({ offset: 0, bytes: BYTES, from: BYTES, form }).then(() => {
    doneUs = device.now() - since;
  });
  await touching;
  notifier.remove();
  const cost = { doneUs, touchUs, commands, pagesOut: mirror.stats.pagesOut - pagesOut };
  expectBytes(await mirror.read(BASE, BYTES), content.subarray(BYTES));
  expectBytes(await space.read(BASE, BYTES), content.subarray(BYTES));
  await space.close();
  await device.close();
  expect(device.violations).toEqual([]);
  return cost;
}

const SETTINGS: readonly Setting[] = (['file', 'private'] as const).flatMap((memory) =>
  (['read', 'written'] as const).map((had) => ({ memory, had })),
);

it.each(SETTINGS)('what each form costs: $memory, $had', async (setting) => {
  const rows = [];
  for (const form of ['callback', 'unmap-flush'] as const) {
    const { touchUs: _, ...alone } = await measure(setting, form, 'none');
    const { touchUs: cpuUs } = await measure(setting, form, 'cpu');
    const { touchUs: deviceUs } = await measure(setting, form, 'device');
    rows.push({ ...setting, form, ...alone, cpuUs, deviceUs });
  }
  console.log(JSON.stringify(rows));
  const [callback, unmapFlush] = rows;
  // Nobody waits for the device but the device itself; with `unmap-flush` everybody does until it has let go.
  expect(unmapFlush!.doneUs).toBeGreaterThan(callback!.doneUs);
  expect(unmapFlush!.commands).toBe(2 * callback!.commands);
  expect(unmapFlush!.cpuUs).toBeGreaterThan(callback!.cpuUs);
  for (const { pagesOut } of rows) expect(pagesOut).toBe(0);
  if (setting.memory === 'file') expect(callback!.cpuUs).toBe(0);
});
