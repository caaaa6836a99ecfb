import { isPageSize } from '../address/page.js';
import { PTE_READ, PTE_SHARED, PTE_WRITE } from '../driver/access.js';
import type {
  CopyInCommand,
  CopyOutCommand,
  DiscardCommand,
  FlushTlbCommand,
  HostFrames,
  PageList,
} from '../driver/command.js';
import { ZERO_FRAME } from '../driver/command.js';
import type { DeviceFeature, DeviceLimits, DeviceMmu } from '../driver/device.js';
import { MirrorError } from '../driver/errors.js';
import { checkArray, checkBelow, checkInteger, checkPageNumbers, show } from './check-values.js';

/** 2^bits by bits: a power next to a loop over pages is moved into it by the engine, and is slow. */
const ADDRESS_ENDS = Float64Array.from({ length: 65 }, (_, bits) => 2 ** bits);
const KNOWN_ACCESS = PTE_READ | PTE_WRITE | PTE_SHARED;

/** What commands are checked against: a queue and its device. */
export interface CheckContext {
  /** Name of the device, for messages. */
  readonly device: string;
  /** Numbers that commands must keep to. */
  readonly limits: DeviceLimits;
  /** What commands may use. */
  readonly features: ReadonlySet<DeviceFeature>;
  /** Whether the queue takes paging and mirroring commands only. */
  readonly paging: boolean;
  /** The MMU with this id, `'closed'` if there was one, `undefined` if there never was. */
  mmu(id: number): Pick<DeviceMmu, 'kind' | 'addressBits'> | 'closed' | undefined;
}

/** Checks the id, and the kind where one is asked for; returns the width of its addresses in bits. */
export function checkMmu(what: string, id: number, kind: DeviceMmu['kind'] | 'any', ctx: CheckContext): number {
  checkInteger(`${what}.mmu`, id, 0, 0xffff);
  const mmu = ctx.mmu(id);
  if (mmu === undefined) throw new RangeError(`${what}.mmu: ${ctx.device} never opened an MMU ${id}`);
  if (mmu === 'closed') return ctx.limits.addressBits;
  if (kind !== 'any' && mmu.kind !== kind) {
    throw new MirrorError('UNSUPPORTED', `${what} is for ${kind} MMUs; MMU ${id} of ${ctx.device} is ${mmu.kind}.`, {
      device: ctx.device,
    });
  }
  return mmu.addressBits;
}

function checkPageSize(what: string, pageSize: number, ctx: CheckContext): void {
  if (typeof pageSize !== 'number') throw new TypeError(`${what}.pageSize must be a number, got ${show(pageSize)}`);
  if (ctx.limits.pageSizes.includes(pageSize)) return;
  if (!isPageSize(pageSize))
    throw new RangeError(`${what}.pageSize must be a power of two from 4096 to 2 MiB, got ${pageSize}`);
  throw new MirrorError(
    'UNSUPPORTED',
    `${what}: ${ctx.device} has no pages of ${pageSize} bytes, only ${ctx.limits.pageSizes.join(', ')}.`,
    { device: ctx.device },
  );
}

/** Checks what all commands with a list of pages have in common. */
export function checkPages(list: PageList & { readonly kind: string }, ctx: CheckContext): void {
  const bits = checkMmu(list.kind, list.mmu, 'managed', ctx);
  checkPageSize(list.kind, list.pageSize, ctx);
  checkCount(list.kind, list.count, ctx);
  checkArray(`${list.kind}.pages`, list.pages, Float64Array, list.count);
  checkPageNumbers(list.kind, list.pages, list.count, ADDRESS_ENDS[bits]! / list.pageSize);
}

function checkCount(what: string, count: number, ctx: CheckContext): void {
  checkInteger(`${what}.count`, count, 0, ctx.limits.pagesPerCommand);
}

/** Checks frames of device memory. */
export function checkFrames(
  what: string,
  frames: Uint32Array,
  list: { pageSize: number; count: number },
  ctx: CheckContext,
): void {
  checkArray(`${what}.frames`, frames, Uint32Array, list.count);
  checkBelow(`${what}.frames`, frames, list.count, Math.floor(ctx.limits.memory / list.pageSize));
}

/** Checks `PTE_*` bits. */
export function checkAccess(what: string, access: Uint8Array, count: number, ctx: CheckContext): void {
  checkArray(`${what}.access`, access, Uint8Array, count);
  let all = KNOWN_ACCESS;
  for (let i = 0; i < count; i++) {
    const bits = access[i]!;
    if ((bits & PTE_READ) === 0 || (bits & ~KNOWN_ACCESS) !== 0) {
      throw new RangeError(
        `${what}.access[${i}] must be PTE_READ with or without PTE_WRITE and PTE_SHARED, got ${bits}`,
      );
    }
    all &= bits;
  }
  if ((all & PTE_WRITE) === 0 && !ctx.features.has('read-only-maps'))
    throw unsupported(ctx, 'read-only-maps', `${what} without PTE_WRITE`);
}

/** Checks an array of `BIT_*`, which may be left out where `optional`. */
export function checkBits(what: string, bits: Uint8Array | undefined, count: number, optional: boolean): void {
  if (bits === undefined && optional) return;
  checkArray(`${what}.bits`, bits, Uint8Array, count);
}

export function checkFlush(command: FlushTlbCommand, ctx: CheckContext): void {
  const { mmu, pages, count, pageSize } = command;
  if (pages === undefined) {
    checkMmu('flushTlb', mmu, 'managed', ctx);
    return;
  }
  if (count === undefined || pageSize === undefined)
    throw new TypeError('flushTlb with pages needs count and pageSize too');
  const bits = checkMmu('flushTlb', mmu, 'managed', ctx);
  checkPageSize('flushTlb', pageSize, ctx);
  checkCount('flushTlb', count, ctx);
  checkArray('flushTlb.pages', pages, Float64Array, count);
  checkPageNumbers('flushTlb', pages, count, ADDRESS_ENDS[bits]! / pageSize);
}

export function checkCopy(command: CopyInCommand | CopyOutCommand, ctx: CheckContext): void {
  const { kind, pageSize, count, hostFrames } = command;
  checkPageSize(kind, pageSize, ctx);
  checkCount(kind, count, ctx);
  const host: HostFrames | null = command.host;
  if (
    typeof host !== 'object' ||
    host === null ||
    typeof host.bufferOf !== 'function' ||
    typeof host.offsetOf !== 'function'
  ) {
    throw new TypeError(`${kind}.host must have bufferOf and offsetOf`);
  }
  if (host.pageSize !== pageSize)
    throw new RangeError(`${kind}: host frames of ${host.pageSize} bytes, device frames of ${pageSize}`);
  checkArray(`${kind}.hostFrames`, hostFrames, Uint32Array, count);
  checkFrames(kind, command.frames, command, ctx);
  if (kind === 'copyIn') return;
  for (let i = 0; i < count; i++) {
    if (hostFrames[i] === ZERO_FRAME)
      throw new RangeError(`copyOut.hostFrames[${i}] names the zero frame, which cannot be written`);
  }
}

/** @throws TypeError, RangeError */
export function checkDiscard(command: DiscardCommand, ctx: CheckContext): void {
  checkPageSize(command.kind, command.pageSize, ctx);
  checkCount(command.kind, command.count, ctx);
  checkFrames(command.kind, command.frames, command, ctx);
}

/** The error for a feature that is used, but not claimed. */
export function unsupported(ctx: CheckContext, feature: DeviceFeature, what: string): MirrorError {
  return new MirrorError(
    'UNSUPPORTED',
    `${what}: ${ctx.device} does not claim '${feature}'. Look at device.features first.`,
    {
      device: ctx.device,
    },
  );
}
