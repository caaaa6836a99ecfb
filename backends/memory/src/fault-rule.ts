import type { CommandKind, ErrorCode } from '@mirrorspace/core/driver';

/** The Nth command that the device starts, counting one kind only if `kind` is given. */
export interface NthCommand {
  /** Number of the command; 1 is the first. */
  readonly nth: number;
  /** Counts commands of this kind only. Default: all. */
  readonly kind?: CommandKind;
  /** How many commands from the Nth on are concerned. Default 1; `Infinity` for all. */
  readonly count?: number;
}

/** The Nth of the commands that can run out of device memory: `map` and `copyIn`. */
export interface NthMemoryCommand extends NthCommand {
  /** Counts commands of this kind only. Default: both. */
  readonly kind?: 'map' | 'copyIn';
}

/** A simulated time. */
export interface SimulatedTime {
  /** Simulated microseconds on the device's clock, ≥ 0; times that have passed mean at once. */
  readonly timeUs: number;
}

/** The Nth command, or a simulated time in microseconds. */
export type Moment = NthCommand | SimulatedTime;

/** What rules with a time have in common. */
export interface RuleAt<When> {
  /** When it happens, or which commands it happens to. */
  readonly at: When;
}

/** The device is lost. */
export interface LoseRule extends RuleAt<Moment> {
  /** Tells it from other rules. */
  readonly do: 'lose';
  /** What `Device.lost` says. */
  readonly message?: string;
}

/** The command fails without effect. */
export interface FailRule extends RuleAt<NthCommand> {
  /** Tells it from other rules. */
  readonly do: 'fail';
  /** What it fails with. Default `IO`. */
  readonly code?: ErrorCode;
}

/** The command takes longer. */
export interface DelayRule extends RuleAt<NthCommand> {
  /** Tells it from other rules. */
  readonly do: 'delay';
  /** Simulated microseconds that are added, ≥ 0. */
  readonly us: number;
}

/** The command never ends; its queue stands still until the device is closed or lost. */
export interface HangRule extends RuleAt<NthCommand> {
  /** Tells it from other rules. */
  readonly do: 'hang';
}

/** `map` and `copyIn` commands fail with `OUT_OF_DEVICE_MEMORY`. */
export interface OutOfMemoryRule extends RuleAt<NthMemoryCommand> {
  /** Tells it from other rules. */
  readonly do: 'outOfMemory';
}

/** The fault buffer holds fewer entries from then on. */
export interface LimitFaultBufferRule extends RuleAt<Moment> {
  /** Tells it from other rules. */
  readonly do: 'limitFaultBuffer';
  /** Entries that it holds. */
  readonly entries: number;
}

/** Accessed bits read as 0 from then on. */
export interface DropAccessedBitsRule extends RuleAt<Moment> {
  /** Tells it from other rules. */
  readonly do: 'dropAccessedBits';
}

/** Queues of equal priority get the device in seeded random order, not in turn. */
export interface ReorderRule {
  /** Tells it from other rules. */
  readonly do: 'reorder';
}

/** One thing that goes wrong. */
export type FaultRule =
  | LoseRule
  | FailRule
  | DelayRule
  | HangRule
  | OutOfMemoryRule
  | LimitFaultBufferRule
  | DropAccessedBitsRule
  | ReorderRule;

/** What goes wrong, and when. */
export type FaultScript = readonly FaultRule[];
