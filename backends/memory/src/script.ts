import type { Command, CommandKind, ErrorCode } from '@mirrorspace/core/driver';
import { MirrorError } from '@mirrorspace/core/driver';
import type { FaultRule, FaultScript, NthCommand } from './fault-rule.js';

/** What rules do to a device as a whole. */
export interface ScriptTarget {
  lose(message: string): void;
  limitFaultBuffer(entries: number): void;
  dropAccessedBits(): void;
  at(timeUs: number, run: () => void): void;
}

/** What the rules say about one command. */
export interface Verdict {
  delayUs: number;
  hang: boolean;
  error: MirrorError | undefined;
}

const KINDS_THAT_TAKE_MEMORY: ReadonlySet<CommandKind> = new Set(['map', 'copyIn']);

/** Follows a script while commands start. */
export class ScriptRunner {
  readonly reorders: boolean;
  readonly #device: string;
  readonly #target: ScriptTarget;
  readonly #rules: { readonly rule: FaultRule; readonly at: NthCommand; seen: number }[] = [];

  constructor(device: string, script: FaultScript, target: ScriptTarget) {
    this.#device = device;
    this.#target = target;
    this.reorders = script.some((rule) => rule.do === 'reorder');
    for (const rule of script) {
      if (rule.do === 'reorder') continue;
      if ('timeUs' in rule.at) target.at(rule.at.timeUs, () => this.#apply(rule, undefined));
      else this.#rules.push({ rule, at: rule.at, seen: 0 });
    }
  }

  /** A command is about to start. */
  start(command: Command): Verdict {
    const verdict: Verdict = { delayUs: 0, hang: false, error: undefined };
    for (const entry of this.#rules) {
      const { rule, at } = entry;
      if (at.kind !== undefined && at.kind !== command.kind) continue;
      if (rule.do === 'outOfMemory' && !KINDS_THAT_TAKE_MEMORY.has(command.kind)) continue;
      entry.seen++;
      if (entry.seen >= at.nth && entry.seen < at.nth + (at.count ?? 1)) this.#apply(rule, verdict);
    }
    return verdict;
  }

  #apply(rule: FaultRule, verdict: Verdict | undefined): void {
    switch (rule.do) {
      case 'lose':
        return this.#target.lose(rule.message ?? 'the fault script lost it');
      case 'limitFaultBuffer':
        return this.#target.limitFaultBuffer(rule.entries);
      case 'dropAccessedBits':
        return this.#target.dropAccessedBits();
      default:
        if (verdict !== undefined) this.#judge(rule, verdict);
    }
  }

  #judge(rule: FaultRule, verdict: Verdict): void {
    if (rule.do === 'delay') verdict.delayUs += rule.us;
    else if (rule.do === 'hang') verdict.hang = true;
    else verdict.error ??= this.#error(rule.do === 'fail' ? (rule.code ?? 'IO') : 'OUT_OF_DEVICE_MEMORY');
  }

  #error(code: ErrorCode): MirrorError {
    return new MirrorError(code, `The fault script of ${this.#device} made this command fail.`, {
      device: this.#device,
    });
  }
}

/** @throws TypeError, RangeError for what is no script */
export function checkScript(script: FaultScript): FaultScript {
  const rules: unknown = script;
  if (!Array.isArray(rules)) throw new TypeError('faults must be an array of rules');
  for (const rule of script) {
    if (rule.do === 'reorder') continue;
    if (typeof rule.at !== 'object') throw new TypeError(`faults: the rule '${String(rule.do)}' needs 'at'`);
    const when = 'timeUs' in rule.at ? rule.at.timeUs : rule.at.nth;
    if (typeof when !== 'number') throw new TypeError(`faults: 'at' of the rule '${rule.do}' needs nth or timeUs`);
    if (!(when >= 0)) throw new RangeError(`faults: 'at' of the rule '${rule.do}' must be ≥ 0, got ${when}`);
    if (rule.do === 'delay' && !(rule.us >= 0 && rule.us < Infinity))
      throw new RangeError(`faults: a delay must be ≥ 0 us, got ${rule.us}`);
  }
  return script;
}
