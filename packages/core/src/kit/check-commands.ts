import { hex } from '../address/page.js';
import { CANCEL_CODES } from '../driver/access.js';
import type { AdviseCommand, Command, LaunchCommand, LaunchRanges } from '../driver/command.js';
import type { DeviceFeature, SubmitOptions } from '../driver/device.js';
import { MirrorError } from '../driver/errors.js';
import {
  checkAccess,
  checkBits,
  type CheckContext,
  checkCopy,
  checkDiscard,
  checkFlush,
  checkFrames,
  checkMmu,
  checkPages,
  unsupported,
} from './check-pages.js';
import { checkArray, checkBelow, checkInteger, isArray, show } from './check-values.js';

export type { CheckContext };

/**
 * Checks a whole submission before any of it is enqueued. Commands for an MMU that was closed pass: their fence fails.
 * @throws TypeError, RangeError for what is malformed; MirrorError `UNSUPPORTED` for what the device does not claim,
 * `INVALID_ARGUMENT` for access commands on a paging queue
 */
export function checkCommands(commands: readonly Command[], ctx: CheckContext, options?: SubmitOptions): void {
  if (!isArray(commands)) throw new TypeError(`commands must be an array, got ${show(commands)}`);
  if (commands.length > ctx.limits.commandsPerSubmit) {
    throw new RangeError(
      `${commands.length} commands in one submission; ${ctx.device} takes ${ctx.limits.commandsPerSubmit}`,
    );
  }
  for (let i = 0; i < commands.length; i++) checkCommand(commands[i]!, ctx);
  if (options !== undefined) checkOptions(options, ctx);
}

function checkOptions(options: SubmitOptions, ctx: CheckContext): void {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`submit options must be an object, got ${show(options)}`);
  const { after, urgent } = options;
  if (urgent !== undefined && typeof urgent !== 'boolean')
    throw new TypeError(`urgent must be a boolean, got ${show(urgent)}`);
  if (urgent === true && !ctx.features.has('preemption')) throw unsupported(ctx, 'preemption', 'an urgent submission');
  if (after === undefined) return;
  if (!isArray(after)) throw new TypeError(`after must be an array of fences, got ${show(after)}`);
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
    case 'discard':
      return checkDiscard(command, ctx);
    case 'replayFaults':
      needs('replayable-faults', command.kind, ctx);
      checkMmu(command.kind, command.mmu, 'managed', ctx);
      if (command.window !== undefined) checkInteger('replayFaults.window', command.window, 1, Number.MAX_SAFE_INTEGER);
      return;
    case 'cancelFaults':
      needs('replayable-faults', command.kind, ctx);
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
      checkSpan(command, ctx);
      return needs('snapshots', command.kind, ctx);
    case 'advise':
      checkAdvice(command);
      checkSpan(command, ctx);
      return needs('advice', command.kind, ctx);
    default:
      throw new TypeError(`unknown command ${show((command as { kind?: unknown }).kind)}`);
  }
}

function needs(feature: DeviceFeature, what: string, ctx: CheckContext): void {
  if (!ctx.features.has(feature)) throw unsupported(ctx, feature, what);
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
  if (!isArray(grid) || grid.length !== 3) throw new TypeError(`launch.grid must be [x, y, z], got ${show(grid)}`);
  for (const side of grid) checkInteger('launch.grid', side, 1, Number.MAX_SAFE_INTEGER);
  const units = grid[0] * grid[1] * grid[2];
  if (units > Number.MAX_SAFE_INTEGER)
    throw new RangeError(`launch.grid: ${units} work units are more than can be counted`);
  if (!isArray(args) || args.some((value) => typeof value !== 'number'))
    throw new TypeError('launch.args must be an array of numbers');
  const end = 2 ** checkMmu('launch', command.mmu, 'any', ctx);
  if (command.only !== undefined) checkRanges(command.only, end);
}

function checkRanges(only: LaunchRanges, end: number): void {
  if (typeof only !== 'object' || only === null)
    throw new TypeError(`launch.only must be an object, got ${show(only)}`);
  for (const [name, ranges] of Object.entries({ reads: only.reads, writes: only.writes })) {
    if (!isArray(ranges)) throw new TypeError(`launch.only.${name} must be an array, got ${show(ranges)}`);
    for (const range of ranges) {
      if (!isArray(range) || range.length !== 2)
        throw new TypeError(`launch.only.${name} must hold [address, bytes], got ${show(range)}`);
      checkInteger(`address of launch.only.${name}`, range[0], 0, end);
      checkInteger(`bytes of launch.only.${name}`, range[1], 0, end - range[0]);
    }
  }
}

const LOCATIONS: readonly unknown[] = ['device', 'host', 'elsewhere', 'anywhere'];

function checkAdvice({ preferred, readMostly, accessedBy }: AdviseCommand): void {
  if (!LOCATIONS.includes(preferred))
    throw new TypeError(`advise.preferred must be one of ${LOCATIONS.join(', ')}, got ${show(preferred)}`);
  for (const [name, value] of Object.entries({ readMostly, accessedBy }))
    if (typeof value !== 'boolean') throw new TypeError(`advise.${name} must be a boolean, got ${show(value)}`);
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
  const [pageSize] = ctx.limits.pageSizes;
  checkInteger(`${command.kind}.start`, command.start, 0, end);
  checkInteger(`${command.kind}.end`, command.end, command.start, end);
  for (const name of ['start', 'end'] as const)
    if (command[name] % pageSize! !== 0)
      throw new RangeError(`${command.kind}.${name} must be a multiple of ${pageSize}, got ${hex(command[name])}`);
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
