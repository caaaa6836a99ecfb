import {
  type AddressSpace,
  createSpace,
  memorySwap,
  type Mirror,
  MirrorError,
  type NotifierEventKind,
  type Region,
  type ValidatedDevice,
} from '@mirrorspace/core';
import { TYPICAL_LATENCY } from '@mirrorspace/memory';
import { expect } from 'vitest';
import { expectBytes, openDevice, PAGE, pattern, TestSource } from '../../space/helpers.js';
import { type StepWatch, watchSteps } from './steps.js';

/** A source that can be made shorter and longer. */
class Elastic extends TestSource {
  length: number;

  constructor(bytes: Uint8Array) {
    super(bytes);
    this.length = bytes.length;
    Object.defineProperty(this, 'size', { get: () => this.length });
  }

  truncate(size: number): Promise<void> {
    this.length = size;
    this.bytes.fill(0, size);
    return Promise.resolve();
  }
}

/** What the page may hold. */
export const OLD = pattern(PAGE, 1);
export const BY_DEVICE = pattern(PAGE, 2);
export const BY_CPU = pattern(PAGE, 3);
/** What the page at `OTHER_PAGE` holds, and what is written last. */
export const OTHER = pattern(PAGE, 4);
export const IN_FILE = pattern(PAGE, 5);
export const ZEROS = new Uint8Array(PAGE);

export const PAGES = 4;
export const THE_PAGE = 1;
export const OTHER_PAGE = 3;

export type Memory = 'anonymous' | 'shared file' | 'private file';

/** Four pages of which one changes. */
export interface Place extends AsyncDisposable {
  readonly space: AddressSpace;
  /** The device that is in some state when the page changes. */
  readonly mirror: Mirror;
  /** One or two devices; the first is that of `mirror`. */
  readonly mirrors: readonly Mirror[];
  readonly memory: Memory;
  readonly region: Region;
  readonly source: Elastic;
  /** The page that changes. */
  readonly at: number;
  readonly steps: StepWatch;
  /** Whether the page is shared, so that the next write gets a copy. */
  readonly copiedOnWrite: boolean;
  /** A fork of the space from before the page changed. */
  child?: AddressSpace;
}

/** How a place is made. */
export interface PlaceOptions {
  readonly memory: Memory;
  readonly devices: 1 | 2;
  readonly mergeable?: boolean;
  readonly copiedOnWrite?: boolean;
}

export async function openPlace(options: PlaceOptions): Promise<Place> {
  const { memory, devices, mergeable = false, copiedOnWrite = false } = options;
  let submitted = 0;
  const onEvent = ({ type }: { readonly type: string }) => void (submitted += Number(type === 'submit'));
  const space = await createSpace({ reclaim: { swap: memorySwap(64 * PAGE) } });
  const opened: ValidatedDevice[] = [];
  const mirrors: Mirror[] = [];
  for (let i = 0; i < devices; i++) {
    opened.push(await openDevice(64, { latency: TYPICAL_LATENCY, poison: true, onEvent }));
    mirrors.push(await space.attach(opened[i]!, { prefetch: 'none' }));
  }
  const content = new Uint8Array(PAGES * PAGE);
  for (let page = 0; page < PAGES; page++) content.set(IN_FILE, page * PAGE);
  const source = new Elastic(content);
  const share = memory === 'shared file' ? 'shared' : 'private';
  const region = space.map({ bytes: PAGES * PAGE, ...(memory !== 'anonymous' && { source, share }) });
  const at = region.address + THE_PAGE * PAGE;
  // From the last to the first, so that host migration finds something to do.
  await space.write(region.address + OTHER_PAGE * PAGE, OTHER);
  await space.write(at + PAGE, pattern(PAGE, 6));
  await space.write(at, OLD);
  if (mergeable) await space.write(region.address, OLD);
  if (mergeable) await space.advise(region.address, PAGES * PAGE, { mergeable: true });
  const steps = watchSteps(space, () => submitted);
  const place: Place = {
    space,
    mirror: mirrors[0]!,
    mirrors,
    memory,
    region,
    source,
    at,
    steps,
    copiedOnWrite,
    async [Symbol.asyncDispose]() {
      await place.child?.close();
      await space.close();
      for (const device of opened) {
        await device.close();
        expect(device.violations).toEqual([]);
      }
    },
  };
  return place;
}

/** What was announced of the page since the place was made. */
export function toldOf({ steps, at }: Place): NotifierEventKind[] {
  return steps.seen.filter(({ start, end }) => start < at + PAGE && at < end).map(({ kind }) => kind);
}

/** What CPU and devices find at an address: bytes that all agree on, or the code of the error that all get. */
export async function look(
  { space, mirrors }: Pick<Place, 'space' | 'mirrors'>,
  address: number,
): Promise<Uint8Array | string> {
  const [cpu, ...devices] = await Promise.all(
    [space, ...mirrors].map((who) =>
      who.read(address, PAGE).catch((error: unknown) => {
        if (error instanceof MirrorError) return error.code;
        throw error;
      }),
    ),
  );
  for (const device of devices) {
    if (typeof cpu === 'string' || typeof device === 'string') expect(device).toBe(cpu);
    else expectBytes(device, cpu!);
  }
  return cpu!;
}

/** Demands that what was found is one of some things; returns which. */
export function is(found: Uint8Array | string, ...allowed: (Uint8Array | string)[]): Uint8Array | string {
  const match = allowed.find((one) =>
    typeof one === 'string' || typeof found === 'string' ? one === found : Buffer.compare(one, found) === 0,
  );
  const shown = typeof found === 'string' ? found : `bytes ${found.subarray(0, 4).join()}…`;
  expect(match === undefined ? `unexpected ${shown}` : 'as expected').toBe('as expected');
  return match!;
}

/** Demands that an access fails with a code. */
export async function refuses(work: Promise<unknown>, code: string): Promise<void> {
  const error = await work.then(
    () => 'no error',
    (failure: unknown) => (failure instanceof MirrorError ? failure.code : failure),
  );
  expect(error).toBe(code);
}
