import { array, IoctlDevice, iowr, pointer, struct, u32, u64 } from '@mirrorspace/native';
import assert from 'node:assert/strict';
import { HMM_PAGE, hmmTest, Memory, TOLD } from './device.js';

/** `mm/gup_test.h`: has the kernel take hold of pages of this process, as drivers do for transfers. */
const command = struct({
  get_delta_usec: u64,
  put_delta_usec: u64,
  addr: pointer({ unit: 1, count: 'size' }),
  size: u64,
  nr_pages_per_call: u32,
  gup_flags: u32,
  test_flags: u32,
  which_pages: array(u32, 8),
});
const GUP = {
  fast: iowr('GUP_FAST_BENCHMARK', 'g', 1, command),
  pinFast: iowr('PIN_FAST_BENCHMARK', 'g', 2, command),
  pinLongterm: iowr('PIN_LONGTERM_BENCHMARK', 'g', 3, command),
  basic: iowr('GUP_BASIC_TEST', 'g', 4, command),
} as const;
const [WRITE, LONGTERM] = [1, 0x100];

hmmTest('hmm_gup_test', async (device, { kind, local }) => {
  const gup = new IoctlDevice('/sys/kernel/debug/gup_test', Object.values(GUP));
  const memory = new Memory(4);
  memory.fill(1);
  const got = new Memory(4);
  assert.equal((await device.ask('toDevice', memory, got)).pages, 4);
  got.expect(1, 'what the device has');
  const hold = (request: keyof typeof GUP, page: number, flags = 0) => {
    const value = { size: HMM_PAGE, nr_pages_per_call: 1, gup_flags: WRITE | flags };
    return gup.start(GUP[request], value, { addr: [memory.mapping, page * HMM_PAGE] });
  };
  await hold('basic', 0);
  await hold('fast', 1);
  await hold('pinFast', 2, LONGTERM);
  await hold('pinLongterm', 3);
  // Who holds a page for long has it come home; for a moment, only what the CPU does not reach.
  const moment = kind === 'private' ? TOLD.write : local | TOLD.write;
  assert.deepEqual(await device.look(memory), [moment, moment, TOLD.write, TOLD.write]);
  memory.expect(1, 'what was held');
  gup.close();
});
