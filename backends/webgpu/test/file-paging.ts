import {
  accessHandleSource,
  blobSource,
  type ByteSource,
  createSpace,
  managedMemory,
  type SourceAccessHandle,
} from '@mirrorspace/core';
import { webgpu, type WebgpuOptions, type WgslProgram } from '@mirrorspace/webgpu';

// Nothing here is Node's: the same functions run in a page and in a worker of a browser.

const MIB = 2 ** 20;
/** Where a file may have content: words at multiples of this. */
const STEP = 4096;

/** How a file goes through a device. */
export interface Paging {
  /** Bytes of device memory, host budget and page. Defaults: 64 MiB, 256 MiB, 64 KiB. */
  readonly memory?: number;
  readonly budget?: number;
  readonly pageSize?: number;
  readonly device?: WebgpuOptions;
  /** Called now and then, and before what was opened is closed. */
  readonly sample?: (used: number) => void;
}

/** What a pass over a file found. */
export interface PagingResult {
  /** The sum of the words at the known places, read one by one, in an order that no read-ahead can guess. */
  readonly sumOfPlaces: number;
  /** The sum of a word in every 4096 bytes of the whole file: the same, since there is nothing elsewhere. */
  readonly sumOfFile: number;
  /** What both must be. */
  readonly expected: number;
  readonly placesMs: number;
  readonly fileMs: number;
  /** Most bytes of pages in host memory at any time that was looked at. */
  readonly mostUsed: number;
}

/** Known places of a file: `count` multiples of 4096, the first and the last among them, and the word at each, its number from 1 on. */
function knownPlaces(size: number, count: number): readonly { readonly at: number; readonly word: number }[] {
  const steps = Math.floor(size / STEP) - 1;
  return Array.from({ length: count }, (_, i) => ({ at: Math.floor((steps * i) / (count - 1)) * STEP, word: i + 1 }));
}

/** Writes the known places of a sparse file. */
export async function writePlaces(
  size: number,
  count: number,
  write: (bytes: Uint8Array, at: number) => unknown,
): Promise<void> {
  for (const { at, word } of knownPlaces(size, count)) await write(new Uint8Array(Uint32Array.of(word).buffer), at);
}

/** Each lane adds the word at one place, whose number is read from a list. */
const addPlaces: WgslProgram = {
  language: 'wgsl',
  code: `
    fn run(unit: Unit) {
      let i = unit.index * 64u + unit.lane;
      if (i >= arg_u32(3u)) { return; }
      let step = load_u32(advance(arg_address(2u), i));
      let found = load_u32(advance(arg_address(0u), step * 1024u));
      if (found != 0u) { let before = atomicAdd_u32(arg_address(1u), found); }
    }`,
};

/** Each unit adds a word in every 4096 bytes of a page. */
const addPage: WgslProgram = {
  language: 'wgsl',
  lanes: 16,
  code: `
    fn run(unit: Unit) {
      let page = page_to_load(advance(arg_address(0u), unit.index * page_words));
      var sum = 0u;
      for (var i = unit.lane * 1024u; i < page_words; i += 16384u) { sum += load_in_u32(page, i); }
      if (sum != 0u) { let before = atomicAdd_u32(arg_address(1u), sum); }
    }`,
};

/** Opens a device with its memory in pages of one size, and a space that keeps host memory to a budget. */
async function open({ memory = 64 * MIB, budget = 256 * MIB, pageSize = 65_536, device: options }: Paging) {
  const device = await webgpu.open({ memory, pageSizes: [pageSize], residentUnits: 512, ...options });
  const host = managedMemory({ pageSize });
  const space = await createSpace({ addressBits: device.limits.addressBits, host, reclaim: { budget } });
  const mirror = await space.attach(device, { batch: 1024 });
  return { device, space, mirror, pageSize };
}

/** Lets a device find what a file has, at its known places and then everywhere. */
export async function sumFile(source: ByteSource, count: number, paging: Paging = {}): Promise<PagingResult> {
  const { device, space, mirror, pageSize } = await open(paging);
  let mostUsed = 0;
  const sample = () => {
    mostUsed = Math.max(mostUsed, space.memory.used);
    paging.sample?.(mostUsed);
  };
  const timer = setInterval(sample, 5);
  const watched: ByteSource = {
    size: source.size,
    read(offset, into, signal) {
      sample();
      return source.read(offset, into, signal);
    },
  };
  try {
    const file = space.map({ bytes: source.size, source: watched, access: 'read', share: 'shared' });
    const places = knownPlaces(source.size, count);
    const list = space.map({ bytes: 4 * count });
    const sums = space.map({ bytes: 8 });
    // 7919 is a prime: every place once, far from the one before.
    const steps = Uint32Array.from(places, (_, i) => places[(i * 7919) % count]!.at / STEP);
    await space.write(list.address, new Uint8Array(steps.buffer));
    const start = performance.now();
    const args = [file.address, sums.address, list.address, count];
    await mirror.launch(addPlaces, { args, grid: [Math.ceil(count / 64)] }).wait({ timeoutMs: 120_000 });
    const between = performance.now();
    await mirror
      .launch(addPage, { args: [file.address, sums.address + 4], grid: [Math.ceil(source.size / pageSize)] })
      .wait({ timeoutMs: 240_000 });
    const end = performance.now();
    const [sumOfPlaces, sumOfFile] = new Uint32Array((await space.read(sums.address, 8)).slice().buffer);
    sample();
    const expected = (count * (count + 1)) / 2;
    const times = { placesMs: between - start, fileMs: end - between };
    return { sumOfPlaces: sumOfPlaces!, sumOfFile: sumOfFile!, expected, ...times, mostUsed };
  } finally {
    clearInterval(timer);
    await space.close();
    await device.close();
  }
}

/** Lets a device write the word `number + 1` at the beginning of every `stride` bytes of a file, and has it kept. Resolves to the pages that `sync` wrote. */
export async function storeEvery(source: ByteSource, stride: number, paging: Paging = {}): Promise<number> {
  const { device, space, mirror } = await open(paging);
  const store: WgslProgram = {
    language: 'wgsl',
    lanes: 1,
    code: `fn run(unit: Unit) { store_u32(advance(arg_address(0u), unit.index * arg_u32(1u)), unit.index + 1u); }`,
  };
  const timer = setInterval(() => paging.sample?.(space.memory.used), 5);
  try {
    const file = space.map({ bytes: source.size, source, share: 'shared' });
    const grid = [Math.ceil(source.size / stride)] as const;
    await mirror.launch(store, { args: [file.address, stride / 4], grid }).wait({ timeoutMs: 120_000 });
    return await space.sync(file.address, file.bytes);
  } finally {
    clearInterval(timer);
    await space.close();
    await device.close();
  }
}

/** For a page: a `File` of `size` bytes, nearly all zeros, through the device. */
export async function sumBlob(size: number, count: number, paging: Paging = {}): Promise<PagingResult> {
  const zeros = new Blob([new Uint8Array(STEP * 256)]);
  const parts: BlobPart[] = [];
  let end = 0;
  for (const { at, word } of knownPlaces(size, count)) {
    for (let left = at - end; left > 0; left -= zeros.size)
      parts.push(left < zeros.size ? zeros.slice(0, left) : zeros);
    parts.push(Uint32Array.of(word));
    end = at + 4;
  }
  for (let left = size - end; left > 0; left -= zeros.size)
    parts.push(left < zeros.size ? zeros.slice(0, left) : zeros);
  return sumFile(blobSource(new File(parts, 'zeros.bin')), count, paging);
}

/** What is needed of a `FileSystemDirectoryHandle`. Its files have such handles in workers only. */
export interface WorkerFolder {
  getFileHandle(name: string, options: { create: boolean }): Promise<WorkerFile>;
  removeEntry(name: string): Promise<void>;
}

/** What is needed of a `FileSystemFileHandle`. */
interface WorkerFile {
  createSyncAccessHandle(): Promise<SourceAccessHandle & { close(): void }>;
}

/**
 * For a worker, with `await navigator.storage.getDirectory()`: a file of the Origin Private File System through the device, and what the
 * device then stores in it, as the file has it.
 */
export async function sumAndStoreOpfs(
  root: WorkerFolder,
  size: number,
  count: number,
  paging: Paging = {},
): Promise<PagingResult & { readonly stored: boolean }> {
  const stride = MIB;
  const file = await root.getFileHandle('mirrorspace-paging.bin', { create: true });
  const handle = await file.createSyncAccessHandle();
  try {
    handle.truncate(size);
    await writePlaces(size, count, (bytes, at) => handle.write(bytes, { at }));
    const result = await sumFile(accessHandleSource(handle), count, paging);
    await storeEvery(accessHandleSource(handle, { write: true }), stride, paging);
    let stored = true;
    const word = new Uint8Array(4);
    for (let at = 0; at < size; at += stride) {
      handle.read(word, { at });
      stored &&= new DataView(word.buffer).getUint32(0, true) === at / stride + 1;
    }
    return { ...result, stored };
  } finally {
    handle.close();
    await root.removeEntry('mirrorspace-paging.bin');
  }
}
