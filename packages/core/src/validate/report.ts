import { MirrorError } from '../driver/errors.js';

/**
 * What a violation names. `R1` to `R10` are the rules of the design; the others are promises of the driver contract:
 * `order` queues and fences run in order · `fence` a fence settles once and truthfully · `fault` faults are reported, none
 * invented or forgotten · `bits` accessed and dirty bits · `result` outputs are written on success only · `argument` well-formed
 * commands · `array` arrays belong to a command until its fence settles · `claim` what is claimed works, what is not is refused ·
 * `counter` counters and clocks only grow · `close` nothing happens after the end.
 */
export type Rule =
  | 'R1'
  | 'R2'
  | 'R3'
  | 'R6'
  | 'R7'
  | 'order'
  | 'fence'
  | 'fault'
  | 'bits'
  | 'result'
  | 'argument'
  | 'array'
  | 'claim'
  | 'counter'
  | 'close';

/** Whose fault it is: the backend's, or that of whoever calls the device (core, or a test). */
export type Culprit = 'backend' | 'core/caller';

const MOST_KEPT = 1000;

/** Collects violations and decides how they surface. */
export class Reporter {
  /** All violations that could not be thrown at the call that made them, oldest first; at most 1,000 are kept. */
  readonly violations: MirrorError[] = [];
  private undelivered: MirrorError[] = [];
  private readonly device: string;
  private readonly onViolation: ((violation: MirrorError) => void) | undefined;

  constructor(device: string, onViolation: ((violation: MirrorError) => void) | undefined) {
    this.device = device;
    this.onViolation = onViolation;
  }

  /** Throws a caller's violation at the call that made it. */
  refuse(rule: Rule, message: string): never {
    throw this.violation('core/caller', rule, message);
  }

  /** Hands over what was found later: to the listener, or to the next submit or close. */
  report(culprit: Culprit, rule: Rule, message: string): void {
    if (this.violations.length >= MOST_KEPT) return;
    const violation = this.violation(culprit, rule, message);
    this.violations.push(violation);
    if (this.onViolation === undefined) this.undelivered.push(violation);
    else this.onViolation(violation);
  }

  /** Throws the oldest violation that nobody was told of; the others are delivered with it, as its `cause`. */
  throwUndelivered(): void {
    const [first, ...others] = this.undelivered;
    if (first === undefined) return;
    this.undelivered = [];
    if (others.length === 0) throw first;
    throw new MirrorError('CONTRACT_VIOLATION', `${first.message} (and ${others.length} more, see cause)`, {
      device: this.device,
      ...(first.rule !== undefined && { rule: first.rule }),
      cause: new AggregateError([first, ...others]),
    });
  }

  private violation(culprit: Culprit, rule: Rule, message: string): MirrorError {
    return new MirrorError('CONTRACT_VIOLATION', `${this.device}: ${culprit} broke ${rule}: ${message}`, {
      device: this.device,
      rule,
    });
  }
}
