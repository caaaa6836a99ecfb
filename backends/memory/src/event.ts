import type { CommandKind } from '@mirrorspace/core/driver';

/** One thing that happened on the device, for traces; the same seed gives the same events. */
export interface DeviceEvent {
  /** Simulated microseconds. */
  readonly timeUs: number;
  /** What happened. */
  readonly type: 'submit' | 'start' | 'command' | 'fault' | 'stall' | 'preempt' | 'settle' | 'fail' | 'lost';
  /** Queue concerned; -1 for the device as a whole. */
  readonly queue: number;
  /** Position on the queue's timeline. */
  readonly value: number;
  /** Kind of the command concerned, where there is one. */
  readonly command?: CommandKind;
  /** Address of a fault in bytes. */
  readonly address?: number;
  /** Error code of a failure. */
  readonly code?: string;
}
