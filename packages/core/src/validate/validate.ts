import type { CommandQueue, Device, DeviceLostInfo, DeviceMmu, MmuOptions } from '../driver/device.js';
import type { MirrorError } from '../driver/errors.js';
import type { FaultSource } from '../driver/fault.js';
import { DeepCheck } from './deep-check.js';
import { FaultCheck } from './fault-check.js';
import { FaultJudge } from './fault-judge.js';
import { MmuRegistry } from './mmus.js';
import { ValidatedQueue, type QueueShared } from './queue.js';
import { Reporter } from './report.js';
import { ResultCheck } from './result-check.js';
import { Shadow } from './shadow.js';
import { TableCheck } from './table-check.js';
import { Timelines } from './timelines.js';

const DEFAULT_QUIET_MS = 1000;
const FINISH_MS = 1000;

/** How a device is validated. */
export interface ValidateOptions {
  /**
   * Also reads frames back after each flush and before each reuse, to see that nothing wrote to them (R1), and compares lent
   * arrays whole. It submits copies of its own, which take device time. Default false.
   */
  readonly deep?: boolean;
  /** Receives every violation that cannot be thrown where it happens. Default: the next `submit` or `close` throws it. */
  readonly onViolation?: (violation: MirrorError) => void;
  /** Milliseconds without progress after which a stalled access that nobody was told of counts as forgotten. Default 1,000. */
  readonly quietMs?: number;
}

const validated = new WeakMap<Device, ValidatedDevice>();

/**
 * Wraps a device so that both sides of the contract are checked. Use the wrapper from the start and for everything: what
 * bypasses it looks like a violation. The same device gives the same wrapper, with the options of the first call.
 *
 * Violations by the caller are thrown by the call, as MirrorError `CONTRACT_VIOLATION` whose `rule` names what was broken,
 * with nothing submitted; violations by the backend go to `onViolation`. Meant for tests and development: it keeps an
 * object a mapped page.
 */
export function validate(device: Device, options: ValidateOptions = {}): ValidatedDevice {
  if (device instanceof ValidatedDevice) return device;
  let wrapper = validated.get(device);
  if (wrapper === undefined) {
    wrapper = new ValidatedDevice(device, options);
    validated.set(device, wrapper);
  }
  return wrapper;
}

/** A device whose contract is checked. Make it with {@link validate}. */
export class ValidatedDevice implements Device {
  /** The device itself, unchecked. */
  readonly inner: Device;
  readonly info: Device['info'];
  readonly limits: Device['limits'];
  readonly features: Device['features'];
  readonly queues: readonly CommandQueue[];
  readonly faults: FaultSource;
  readonly lost: Promise<DeviceLostInfo>;
  private readonly checkedQueues: readonly ValidatedQueue[];
  private readonly faultCheck: FaultCheck;
  private readonly reporter: Reporter;
  private readonly timelines: Timelines;
  private readonly mmus: MmuRegistry;
  private readonly shared: QueueShared;
  private latest = -Infinity;
  private closing: Promise<void> | undefined;

  constructor(inner: Device, options: ValidateOptions) {
    this.inner = inner;
    this.info = inner.info;
    this.limits = inner.limits;
    this.features = inner.features;
    const { info, limits, features } = inner;
    const reporter = new Reporter(info.name, options.onViolation);
    const shadow = new Shadow();
    const timelines = new Timelines(inner.queues, reporter);
    const mmus = new MmuRegistry(inner, shadow, reporter);
    const judge = new FaultJudge(inner, shadow, timelines, mmus, reporter);
    const faults = new FaultCheck(inner.faults, timelines, judge, reporter, options.quietMs ?? DEFAULT_QUIET_MS);
    const tables = new TableCheck(shadow, reporter, limits.pageSizes[0] ?? 4096);
    const deep = options.deep === true;
    this.shared = {
      context: { device: info.name, limits, features, mmu: (id) => mmus.get(id) },
      reporter,
      timelines,
      tables,
      results: new ResultCheck(reporter, timelines, tables, deep),
      faults,
      deep: deep ? new DeepCheck(shadow, reporter, limits) : undefined,
      state: 'open',
      mmu: (id) => mmus.get(id),
    };
    this.reporter = reporter;
    this.timelines = timelines;
    this.mmus = mmus;
    this.faults = faults;
    this.faultCheck = faults;
    this.checkedQueues = inner.queues.map((queue, index) => new ValidatedQueue(queue, index, this.shared));
    this.queues = this.checkedQueues;
    if (!inner.queues.some((queue) => queue.paging) || inner.queues.every((queue) => queue.paging)) {
      reporter.report('backend', 'claim', 'a device has at least one paging queue and at least one user queue');
    }
    this.lost = this.watchLost();
  }

  /** What was found that could not be thrown at the call that did it, oldest first. */
  get violations(): readonly MirrorError[] {
    this.faultCheck.look();
    return this.reporter.violations;
  }

  now(): number {
    const now = this.inner.now();
    if (!(now >= this.latest))
      this.reporter.report('backend', 'counter', `now() went from ${this.latest} to ${now}: it never runs backwards`);
    this.latest = now;
    return now;
  }

  async createMmu(options: MmuOptions): Promise<DeviceMmu> {
    return this.mmus.create(options, () => this.faultCheck.look(), this.faultCheck);
  }

  /** Closes the device. @throws MirrorError `CONTRACT_VIOLATION`: the first violation that nobody was told of */
  close(): Promise<void> {
    return (this.closing ??= this.end());
  }

  private async end(): Promise<void> {
    await this.finish();
    await this.inner.close();
    const gone = await within(FINISH_MS, this.lost);
    this.faultCheck.look();
    if (!gone)
      this.reporter.report(
        'backend',
        'close',
        '`lost` did not resolve although close() did: resolve it when the device is gone',
      );
    this.settledAll('close() resolved');
    this.faultCheck.stop();
    this.shared.state = 'closed';
    this.reporter.throwUndelivered();
  }

  /** Deep mode: has a last look at the frames that were taken away. */
  private async finish(): Promise<void> {
    const queue = this.checkedQueues.find((one) => one.paging);
    if (this.shared.deep === undefined || queue === undefined || this.shared.state !== 'open') return;
    const reads = this.shared.deep.finish((commands, options) => queue.submitHidden(commands, options));
    await within(FINISH_MS, Promise.allSettled(reads.map((fence) => fence.wait({ timeoutMs: FINISH_MS }))));
  }

  private async watchLost(): Promise<DeviceLostInfo> {
    const info = await this.inner.lost.catch((error: unknown): DeviceLostInfo => {
      this.reporter.report(
        'backend',
        'close',
        `\`lost\` rejected with ${String(error)}: it resolves, whatever happened`,
      );
      return { reason: 'failed', message: String(error) };
    });
    if (this.shared.state === 'open') this.shared.state = 'lost';
    this.settledAll('`lost` resolved');
    return info;
  }

  private settledAll(when: string): void {
    this.faultCheck.look();
    for (const index of this.queues.keys()) {
      const [pending] = this.timelines.pending(index);
      if (pending === undefined) continue;
      this.reporter.report(
        'backend',
        'close',
        `${when} while the fence of ${pending} is pending: fail all pending fences first`,
      );
    }
  }
}

/** Says whether `promise` settled in time. */
async function within(ms: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const settled = promise.then(
    () => true,
    () => true,
  );
  const result = await Promise.race([settled, late]);
  clearTimeout(timer);
  return result;
}
