import type { Device, JsProgram, UnitContext, UnitId } from '@mirrorspace/core/driver';
import type { BrokenDevice } from '../device.js';
import { override, rewriting } from '../wrap.js';

type Run = JsProgram['run'];

/** Replaces the program of each launch; called once a launch. */
function reprogramming(device: Device, change: (run: Run) => Run): Device {
  return rewriting(device, (command) => {
    if (command.kind !== 'launch' || command.program.language !== 'js') return command;
    const program = command.program as JsProgram;
    const changed: JsProgram = { language: 'js', run: change((ctx, id, args) => program.run(ctx, id, args)) };
    return { ...command, program: changed };
  });
}

const nameOf = ({ x, y, z }: UnitId): string => `${x},${y},${z}`;

/** A context that notes the additions of its unit. */
function noting(ctx: UnitContext, note: (address: number, value: number) => void): UnitContext {
  return override(ctx, {
    atomicAdd(address, value) {
      const previous = ctx.atomicAdd(address, value);
      note(address, value);
      return previous;
    },
  });
}

/** Replays that do too much or too little, and work units that do not run once. */
export const replays: readonly BrokenDevice[] = [
  {
    name: 'replays/ignored',
    breaks: 'replayFaults wakes nobody',
    rules: ['FaultSource', 'ReplayFaultsCommand'],
    wrap: (device) => rewriting(device, (command) => (command.kind === 'replayFaults' ? [] : command)),
  },
  {
    name: 'replays/window-ignored',
    breaks: 'replayFaults wakes every work unit, whatever its window',
    rules: ['ReplayFaultsCommand.window'],
    wrap: (device) =>
      rewriting(device, (command) =>
        command.kind === 'replayFaults' ? { kind: command.kind, mmu: command.mmu } : command,
      ),
  },
  {
    name: 'replays/every-mmu',
    breaks: 'replayFaults wakes the stalled accesses of all MMUs',
    rules: ['ReplayFaultsCommand.mmu'],
    wrap(device) {
      const mmus = new Set<number>();
      const seen = override(device, {
        async createMmu(options) {
          const mmu = await device.createMmu(options);
          mmus.add(mmu.id);
          return mmu;
        },
      });
      return rewriting(seen, (command) =>
        command.kind === 'replayFaults' ? [...mmus].map((mmu) => ({ ...command, mmu })) : command,
      );
    },
  },
  {
    name: 'replays/atomic-twice',
    breaks: 'an atomicAdd that was replayed adds twice',
    rules: ['AtomicAddCommand'],
    wrap: (device) =>
      rewriting(device, (command) => {
        if (command.kind !== 'atomicAdd') return command;
        const { mmu, address, value, previous } = command;
        let attempts = 0;
        const run: Run = (ctx) => {
          attempts++;
          const old = ctx.atomicAdd(address, value);
          if (attempts > 1) ctx.atomicAdd(address, value);
          previous[0] = old;
        };
        const program: JsProgram = { language: 'js', run };
        return { kind: 'launch', mmu, program, grid: [1, 1, 1], args: [] };
      }),
  },
  {
    name: 'replays/unit-twice',
    breaks: 'a work unit that was replayed takes effect twice',
    rules: ['R2'],
    wrap: (device) =>
      reprogramming(device, (run) => {
        const started = new Set<string>();
        return (ctx, id, args) => {
          const again = started.has(nameOf(id));
          started.add(nameOf(id));
          const result = run(ctx, id, args);
          return again && result !== 'retry' ? run(ctx, id, args) : result;
        };
      }),
  },
  {
    name: 'replays/unit-leaves-parts',
    breaks: 'what a work unit did before it faulted stays',
    rules: ['R2'],
    wrap: (device) =>
      reprogramming(device, (run) => {
        const left = new Map<string, [address: number, value: number][]>();
        return (ctx, id, args) => {
          for (const [address, value] of left.get(nameOf(id)) ?? []) ctx.atomicAdd(address, value);
          const done: [number, number][] = [];
          try {
            return run(
              noting(ctx, (address, value) => void done.push([address, value])),
              id,
              args,
            );
          } catch (error) {
            left.set(nameOf(id), done);
            throw error;
          }
        };
      }),
  },
  {
    name: 'replays/retry-is-done',
    breaks: 'a work unit that returns retry counts as done',
    rules: ['UnitContext.probe'],
    wrap: (device) =>
      reprogramming(device, (run) => (ctx, id, args) => {
        const lenient = override(ctx, { probe: () => false });
        const result = run(lenient, id, args);
        return result === 'retry' ? undefined : result;
      }),
  },
  {
    name: 'replays/grid-is-flat',
    breaks: 'a launch runs the first layer of its grid alone',
    rules: ['LaunchCommand'],
    wrap: (device) =>
      rewriting(device, (command) =>
        command.kind === 'launch' ? { ...command, grid: [command.grid[0], command.grid[1], 1] } : command,
      ),
  },
  {
    name: 'replays/load-is-signed',
    breaks: 'load32 gives a signed number',
    rules: ['UnitContext'],
    wrap: (device) =>
      reprogramming(
        device,
        (run) => (ctx, id, args) => run(override(ctx, { load32: (address) => ctx.loadI32(address) }), id, args),
      ),
  },
];
