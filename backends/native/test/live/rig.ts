import { type AddressSpace, createSpace, type JsProgram, type Mirror, type Region } from '@mirrorspace/core';
import { memory, type MemoryOptions } from '@mirrorspace/memory';
import { nativeMemory, type NativeMemory, type NativeMemoryOptions } from '../../src/index.js';

export const PAGE = 4096;
export const WORDS = PAGE / 4;

/** A space on native memory, mirrored by the reference device. */
export interface LiveRig extends AsyncDisposable {
  readonly host: NativeMemory;
  readonly space: AddressSpace;
  readonly mirror: Mirror;
}

/** All rigs of a process share it, as spaces may. */
let host = nativeMemory();

/** Has others than the default read faults, from now on. */
export function useMemory(options: NativeMemoryOptions): void {
  host = nativeMemory(options);
}

/** @param frames of the device */
export async function openRig(frames: number, options: MemoryOptions = {}): Promise<LiveRig> {
  const shared = host;
  const space = await createSpace({ host: shared });
  const device = await memory.open({ memory: frames * PAGE, ...options });
  const mirror = await space.attach(device, { eviction: 'lru', prefetch: 'none' });
  return {
    host: shared,
    space,
    mirror,
    async [Symbol.asyncDispose]() {
      await space.close();
      await device.close();
    },
  };
}

/** Adds `args[1]` to the word at `args[0] + x * args[2]`. */
const add: JsProgram = {
  language: 'js',
  run(ctx, { x }, args) {
    const at = args[0]! + x * args[2]!;
    ctx.store32(at, ctx.load32(at) + args[1]!);
  },
};

/** The device adds a number to the first word of some pages. */
export async function addTo(mirror: Mirror, region: Region, page: number, pages: number, by: number): Promise<void> {
  await mirror.launch(add, { args: [region.address + page * PAGE, by, PAGE], grid: [pages] }).wait();
}

/** What a word is, as plain loads see it. What a device may own is brought home first: this is the thread that would serve the load. */
export async function load(region: Region, words: Uint32Array, at: number): Promise<number> {
  const held = await region.acquire('read', { offset: at * 4, bytes: 4 });
  held.release();
  return words[at]!;
}
