import { hex, isPageSize } from '../address/page.js';
import { CANCEL_CODES, PTE_READ, PTE_SHARED, PTE_WRITE } from '../driver/access.js';
import type {
  Command,
  CopyInCommand,
  CopyOutCommand,
  FlushTlbCommand,
  HostFrames,
  LaunchCommand,
  PageList,
} from '../driver/command.js';
import { ZERO_FRAME } from '../driver/command.js';
import type { DeviceFeature, DeviceLimits, DeviceMmu, SubmitOptions } from '../driver/device.js';
import { MirrorError } from '../driver/errors.js';

const KNOWN_ACCESS = PTE_READ | PTE_WRITE | PTE_SHARED;

/** What commands are checked against: a queue and its device. */
export interface CheckContext {
  /** Name of the device, for messages. */
  readonly device: string;
  readonly limits: DeviceLimits;
  readonly features: ReadonlySet<DeviceFeature>;
  /** Whether the queue takes paging and mirroring commands only. */
  readonly paging: boolean;
  /** The MMU with this id, `'closed'` if there was one, `undefined` if there never was. */
  mmu(id: number): Pick<DeviceMmu, 'kind' | 'addressBits'> | 'closed' | undefined;
}

/**
 * Checks a whole submission before any of it is enqueued. Commands for an MMU that was closed pass: their fence fails.
 * @throws TypeError, RangeError for what is malformed; MirrorError `UNSUPPORTED` for what the device does not claim,
 * `INVALID_ARGUMENT` for access commands on a paging queue
 */
export function checkCommands(commands: readonly Command[], ctx: CheckContext, options?: SubmitOptions): void {
  if (!Array.isArray(commands)) throw new TypeError(`commands must be an array, got ${show(commands)}`);
  if (commands.length > ctx.limits.commandsPerSubmit) {
    throw new RangeError(
      `${commands.length} commands in one submission; ${ctx.device} takes ${ctx.limits.commandsPerSubmit}`,
    );
  }
  for (let i = 0; i < commands.length; i++) checkCommand(commands[i]!, ctx);
  if (options !== undefined) checkOptions(options);
}

function checkOptions(options: SubmitOptions): void {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`submit options must be an object, got ${show(options)}`);
  const { after, urgent } = options;
  if (urgent !== undefined && typeof urgent !== 'boolean')
    throw new TypeError(`urgent must be a boolean, got ${show(urgent)}`);
  if (after === undefined) return;
  if (!Array.isArray(after)) throw new TypeError(`after must be an array of fences, got ${show(after)}`);
  for (const fence of after) {
    if (typeof fence !== 'object' || fence === null || typeof fence.wait !== 'function') {
      throw new TypeError(`after must hold fences only, got ${show(fence)}`);
    }
  }
}

function checkCommand(command: Command, ctx: CheckContext): void {
  if (typeof command !== 'object' || command === null)
    throw new TypeError(`a command must be an object, got ${show(command)}`);
  switch (command.kind) {
    case 'map':
      checkPages(command, ctx);
      checkFrames(command.kind, command.frames, command, ctx);
      checkAccess(command.kind, command.access, command.count, ctx);
      return;
    case 'unmap':
      checkPages(command, ctx);
      checkBits(command.kind, command.bits, command.count, true);
      return;
    case 'protect':
      checkPages(command, ctx);
      checkAccess(command.kind, command.access, command.count, ctx);
      checkBits(command.kind, command.bits, command.count, true);
      return;
    case 'harvest':
      checkPages(command, ctx);
      checkBits(command.kind, command.bits, command.count, false);
      return;
    case 'flushTlb':
      return checkFlush(command, ctx);
    case 'copyIn':
      return checkCopy(command, ctx);
    case 'copyOut':
      checkCopy(command, ctx);
      checkBits('copyOut.when', command.when, command.count, true);
      return;
    case 'replayFaults':
      checkMmu(command.kind, command.mmu, 'managed', ctx);
      if (command.window !== undefined) checkInteger('replayFaults.window', command.window, 1, Number.MAX_SAFE_INTEGER);
      return;
    case 'cancelFaults':
      checkPages(command, ctx);
      checkArray('cancelFaults.reasons', command.reasons, Uint8Array, command.count);
      checkBelow('cancelFaults.reasons', command.reasons, command.count, CANCEL_CODES.length);
      return;
    case 'launch':
      return checkLaunch(command, ctx);
    case 'read':
      checkArray('read.into', command.into, Uint8Array, 0);
      return checkBytes(command.kind, command.mmu, command.address, command.into.length, ctx);
    case 'write':
      checkArray('write.from', command.from, Uint8Array, 0);
      return checkBytes(command.kind, command.mmu, command.address, command.from.length, ctx);
    case 'fill':
      checkInteger('fill.bytes', command.bytes, 0, 2 ** ctx.limits.addressBits);
      checkInteger('fill.value', command.value, 0, 255);
      return checkBytes(command.kind, command.mmu, command.address, command.bytes, ctx);
    case 'atomicAdd':
      if (!ctx.features.has('atomics')) throw unsupported(ctx, 'atomics', 'atomicAdd');
      checkBytes(command.kind, command.mmu, command.address, 4, ctx);
      if (command.address % 4 !== 0)
        throw new RangeError(`atomicAdd.address must be a multiple of 4, got ${hex(command.address)}`);
      checkInteger('atomicAdd.value', command.value, -(2 ** 31), 2 ** 32 - 1);
      return checkArray('atomicAdd.previous', command.previous, Uint32Array, 1);
    case 'prefetch':
      return checkSpan(command, ctx);
    case 'migrate':
      if (command.to !== 'device' && command.to !== 'host')
        throw new TypeError(`migrate.to must be 'device' or 'host', got ${show(command.to)}`);
      checkArray('migrate.moved', command.moved, Uint32Array, 1);
      return checkSpan(command, ctx);
    case 'exclusive':
      checkArray('exclusive.taken', command.taken, Uint32Array, 1);
      return checkSpan(command, ctx);
    case 'snapshot':
      checkArray('snapshot.flags', command.flags, Uint8Array, 0);
      return checkSpan(command, ctx);
    default:
      throw new TypeError(`unknown command ${show((command as { kind?: unknown }).kind)}`);
  }
}

/** Checks the id, and the kind where one is asked for; returns the width of its addresses in bits. */
function checkMmu(what: string, id: number, kind: DeviceMmu['kind'] | 'any', ctx: CheckContext): number {
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

function checkPages(list: PageList & { readonly kind: string }, ctx: CheckContext): void {
  const bits = checkMmu(list.kind, list.mmu, 'managed', ctx);
  checkPageSize(list.kind, list.pageSize, ctx);
  checkCount(list.kind, list.count, ctx);
  checkArray(`${list.kind}.pages`, list.pages, Float64Array, list.count);
  checkPageNumbers(list.kind, list.pages, list.count, 2 ** bits / list.pageSize);
}

function checkPageNumbers(what: string, pages: Float64Array, count: number, limit: number): void {
  for (let i = 0; i < count; i++) {
    const page = pages[i]!;
    if (!(page >= 0 && page < limit && Math.floor(page) === page)) {
      throw new RangeError(`${what}.pages[${i}] must be an integer from 0 to ${limit - 1}, got ${page}`);
    }
  }
}

function checkCount(what: string, count: number, ctx: CheckContext): void {
  checkInteger(`${what}.count`, count, 0, ctx.limits.pagesPerCommand);
}

function checkFrames(
  what: string,
  frames: Uint32Array,
  list: { pageSize: number; count: number },
  ctx: CheckContext,
): void {
  checkArray(`${what}.frames`, frames, Uint32Array, list.count);
  checkBelow(`${what}.frames`, frames, list.count, Math.floor(ctx.limits.memory / list.pageSize));
}

function checkBelow(what: string, values: Uint32Array | Uint8Array, count: number, limit: number): void {
  for (let i = 0; i < count; i++) {
    if (values[i]! >= limit) throw new RangeError(`${what}[${i}] must be below ${limit}, got ${values[i]}`);
  }
}

function checkAccess(what: string, access: Uint8Array, count: number, ctx: CheckContext): void {
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

function checkBits(what: string, bits: Uint8Array | undefined, count: number, optional: boolean): void {
  if (bits === undefined && optional) return;
  checkArray(`${what}.bits`, bits, Uint8Array, count);
}

function checkFlush(command: FlushTlbCommand, ctx: CheckContext): void {
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
  checkPageNumbers('flushTlb', pages, count, 2 ** bits / pageSize);
}

function checkCopy(command: CopyInCommand | CopyOutCommand, ctx: CheckContext): void {
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

function checkLaunch(command: LaunchCommand, ctx: CheckContext): void {
  refuseOnPaging('launch', ctx);
  const { program, grid, args } = command;
  if (typeof program !== 'object' || program === null || typeof program.language !== 'string') {
    throw new TypeError(`launch.program must be an object with a language, got ${show(program)}`);
  }
  const feature: DeviceFeature = `program:${program.language}`;
  if (!ctx.features.has(feature)) throw unsupported(ctx, feature, `launch of a ${program.language} program`);
  if (program.language === 'js' && (!('run' in program) || typeof program.run !== 'function')) {
    throw new TypeError('launch.program: a js program needs a function run(ctx, id, args)');
  }
  if (!Array.isArray(grid) || grid.length !== 3)
    throw new TypeError(`launch.grid must be [x, y, z], got ${show(grid)}`);
  for (const side of grid) checkInteger('launch.grid', side, 1, Number.MAX_SAFE_INTEGER);
  const units = grid[0] * grid[1] * grid[2];
  if (units > Number.MAX_SAFE_INTEGER)
    throw new RangeError(`launch.grid: ${units} work units are more than can be counted`);
  if (!Array.isArray(args) || args.some((value) => typeof value !== 'number'))
    throw new TypeError('launch.args must be an array of numbers');
  checkMmu('launch', command.mmu, 'any', ctx);
}

function checkBytes(what: string, mmu: number, address: number, bytes: number, ctx: CheckContext): void {
  refuseOnPaging(what, ctx);
  const end = 2 ** checkMmu(what, mmu, 'any', ctx);
  checkInteger(`${what}.address`, address, 0, end - 1);
  if (address + bytes > end)
    throw new RangeError(`${what}: ${bytes} bytes at ${hex(address)} end beyond the address space, ${hex(end)}`);
}

function checkSpan(command: { kind: string; mmu: number; start: number; end: number }, ctx: CheckContext): void {
  const end = 2 ** checkMmu(command.kind, command.mmu, 'mirroring', ctx);
  checkInteger(`${command.kind}.start`, command.start, 0, end);
  checkInteger(`${command.kind}.end`, command.end, command.start, end);
}

function refuseOnPaging(what: string, ctx: CheckContext): void {
  if (!ctx.paging) return;
  throw new MirrorError(
    'INVALID_ARGUMENT',
    `${what} may fault, so a paging queue does not take it; submit it to a user queue of ${ctx.device}.`,
    {
      device: ctx.device,
    },
  );
}

function checkInteger(what: string, value: number, least: number, most: number): void {
  if (typeof value !== 'number') throw new TypeError(`${what} must be a number, got ${show(value)}`);
  if (!(Number.isInteger(value) && value >= least && value <= most)) {
    throw new RangeError(`${what} must be an integer from ${least} to ${most}, got ${value}`);
  }
}

function checkArray(
  what: string,
  value: unknown,
  type: Uint8ArrayConstructor | Uint32ArrayConstructor | Float64ArrayConstructor,
  least: number,
): void {
  if (!(value instanceof type)) throw new TypeError(`${what} must be a ${type.name}, got ${show(value)}`);
  if (value.length < least)
    throw new RangeError(`${what} has ${value.length} elements, but the command counts ${least}`);
}

function unsupported(ctx: CheckContext, feature: DeviceFeature, what: string): MirrorError {
  return new MirrorError(
    'UNSUPPORTED',
    `${what}: ${ctx.device} does not claim '${feature}'. Look at device.features first.`,
    {
      device: ctx.device,
    },
  );
}

function show(value: unknown): string {
  if (value === null) return 'null';
  return typeof value === 'object' || typeof value === 'function' ? typeof value : String(value);
}
