import { afterEach, describe, expect, it } from 'vitest';
import { native } from '../../src/index.js';
import { HANG_MS, PAGE, programOf, Rig } from './rig.js';

let rig: Rig;
afterEach(() => rig.device.close());

const ENDLESS = programOf('(loop $on (br $on))');
const ADD = programOf('(drop (call $atomic_add_u32 (call $arg_i64 (i32.const 0)) (i32.const 1)))');

describe('programs that do not end', () => {
  it('fail their launch, and nothing else', async () => {
    rig = await Rig.open({ unitMs: 700 });
    await rig.load(0, new Uint8Array(PAGE));
    await rig.page(rig.mapping(0, 0));
    const endless = rig.launch(ENDLESS, 2, []);
    await rig.launch(ADD, 10, [rig.at(0)], 2).wait({ timeoutMs: HANG_MS });
    await expect(endless.wait({ timeoutMs: HANG_MS })).rejects.toMatchObject({ code: 'PROGRAM' });
    await rig.launch(ADD, 10, [rig.at(0)], 1).wait({ timeoutMs: HANG_MS });
    expect(await rig.word(0)).toBe(20);
  });

  it('hold back a flush of their MMU until they are ended', async () => {
    rig = await Rig.open({ unitMs: 700 });
    const endless = rig.launch(ENDLESS, 1, []);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await rig.page(rig.flush);
    await expect(endless.wait({ timeoutMs: HANG_MS })).rejects.toMatchObject({ code: 'PROGRAM' });
  });

  it('do not keep a device open', async () => {
    // Until they are ended for want of an end, this would not return.
    rig = await Rig.open({ unitMs: 2 ** 30 });
    const endless = rig.launch(ENDLESS, 2, []);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await rig.device.close();
    await expect(endless.wait()).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

describe('a program that does not import the memory', () => {
  // All accesses that there are, and then a load from the memory that linking adds for them.
  const code = (load: string) => `(module
    (import "mirrorspace" "load_u32" (func $load_u32 (param i64) (result i32)))
    (func (export "run") (param i32 i32 i32) (drop (call $load_u32 (i64.const ${100 * PAGE}))) ${load}))`;

  it('reaches what is mapped', async () => {
    rig = await Rig.open();
    await rig.load(0, new Uint8Array(PAGE));
    expect(rig.at(0)).toBe(100 * PAGE);
    await rig.page(rig.mapping(0, 0));
    await rig.launch({ language: 'wasm', code: code('') }, 1, []).wait({ timeoutMs: HANG_MS });
  });

  it('is refused if it loads from it', async () => {
    rig = await Rig.open();
    const launch = rig.launch({ language: 'wasm', code: code('(drop (i32.load (i32.const 0)))') }, 1, []);
    await expect(launch.wait({ timeoutMs: HANG_MS })).rejects.toMatchObject({ code: 'PROGRAM' });
  });
});

describe('a device that is closed', () => {
  it('ends what is stalled', async () => {
    rig = await Rig.open();
    const launch = rig.launch(ADD, 2, [rig.at(0)]);
    await rig.until(() => rig.device.faults.stalled === 2, 'both units are stalled');
    await rig.device.close();
    await expect(launch.wait()).rejects.toMatchObject({ code: 'CLOSED' });
    expect(rig.device.faults.stalled).toBe(0);
  });

  it('ends with the MMU what runs on it, and the device goes on', async () => {
    rig = await Rig.open();
    const launch = rig.launch(ADD, 2, [rig.at(0)]);
    await rig.until(() => rig.device.faults.stalled === 2, 'both units are stalled');
    await rig.mmu.close();
    await expect(launch.wait()).rejects.toMatchObject({ code: 'CLOSED' });
    for (let i = 0; i < 300; i++) await (await rig.device.createMmu({ addressBits: 47 })).close();
  });
});

describe('what a device is opened with', () => {
  it('is checked', async () => {
    rig = await Rig.open({ memory: PAGE });
    expect(rig.device.limits).toMatchObject({ memory: PAGE, residentUnits: 2 });
    const bad = [null, { units: 0 }, { memory: 2 ** 33 }, { pageSizes: [] }, { addressBits: 48 }, { name: 3 }];
    for (const options of bad) await expect(native.open(options as never)).rejects.toThrow(/must/);
    expect(await native.probe({ units: -1 })).toMatchObject({ available: false });
    await expect(native.open({ name: rig.device.info.name })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
