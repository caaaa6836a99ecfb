import type { PreemptionName, QueuePolicyName } from '@mirrorspace/core';
import { type Column, short, table } from '../text-table.js';
import { type CallbackRow, type CallbackRatio } from './callbacks.js';
import { CHANGED, type ChangeRow } from './changes.js';
import { type CoalescingRow, FRONT, GAP_US } from './coalescing.js';
import { ROUND_US } from './device.js';
import type { BreakEven, FaultingRow, Row } from './experiment.js';
import type { Findings } from './findings.js';
import { HARVESTED, type HarvestRow } from './harvests.js';
import { LOADS } from './loads.js';
import type { MetadataRow } from './metadata.js';
import type { Quartiles } from './quartiles.js';
import { APART_US, type FenceRow, FLUSHES, type QueueRow } from './queues.js';
import { ASKED, HELD, type ShrinkRow } from './shrinker.js';

/** The most by which the callback's median may grow from no launch in front to the most, for the claim to count as met. */
const MOST_RATIO = 1.2;

const span = ({ low, high }: Quartiles, digits: number) => `${low.toFixed(digits)} to ${high.toFixed(digits)}`;
const yesNo = (value: boolean) => (value ? 'yes' : 'no');

const changeColumns: readonly Column<ChangeRow>[] = [
  { title: 'change', text: ({ change }) => change, left: true },
  { title: 'device had', text: ({ had }) => had, left: true },
  { title: 'marked', text: ({ marked }) => short(marked) },
  { title: 'submissions', text: ({ submissions }) => short(submissions) },
  { title: 'commands', text: ({ commands }) => short(commands) },
  { title: 'pages home', text: ({ pagesHome }) => short(pagesHome) },
  { title: 'idle, µs', text: ({ idleUs }) => short(idleUs) },
  { title: 'behind a launch, µs', text: ({ behindUs }) => short(behindUs) },
];

const callbackColumns: readonly Column<CallbackRow>[] = [
  { title: 'queue', text: ({ situation }) => situation.placement, left: true },
  { title: 'pages on the device', text: ({ situation }) => yesNo(situation.mapped), left: true },
  { title: 'in front', text: ({ situation }) => short(situation.front) },
  { title: 'median ns/page', text: ({ ns }) => ns.median.toFixed(1) },
  { title: 'quartiles', text: ({ ns }) => span(ns, 1) },
];

const ratioColumns: readonly Column<CallbackRatio>[] = [
  { title: 'queue', text: ({ placement }) => placement, left: true },
  { title: 'in front', text: ({ front }) => `${short(front)} against 0` },
  { title: 'ratio', text: ({ ratio }) => ratio.median.toFixed(2) },
  { title: 'quartiles', text: ({ ratio }) => span(ratio, 2) },
  { title: 'target', text: () => `≤ ${MOST_RATIO}` },
  { title: '', text: ({ ratio }) => (ratio.median <= MOST_RATIO ? 'met' : 'not met'), left: true },
];

/** One situation of the sweep, by each preemption policy. */
type SweepRow = Readonly<Record<PreemptionName, Row>>;

const policies: readonly PreemptionName[] = ['never', 'always', 'weigh'];

const sweepColumns: readonly Column<SweepRow>[] = [
  { title: 'queue', text: ({ never }) => never.scenario.placement, left: true },
  { title: 'priorities', text: ({ never }) => yesNo(never.scenario.priorities), left: true },
  { title: 'in front', text: ({ never }) => short(never.scenario.front) },
  { title: 'submissions', text: ({ never }) => short(never.outcome.submissions) },
  { title: 'commands/page', text: ({ never }) => never.outcome.commandsPerPage.toFixed(3) },
  ...policies.map((name): Column<SweepRow> => ({
    title: `${name}, µs`,
    text: (row) => short(row[name].outcome.flushUs),
  })),
  ...policies.map((name): Column<SweepRow> => ({
    title: `held up: ${name}, µs`,
    text: (row) => short(row[name].outcome.lostUs),
  })),
];

const coalescingColumns: readonly Column<CoalescingRow>[] = [
  { title: 'queue', text: ({ placement }) => placement, left: true },
  { title: 'pages/turn', text: ({ pagesPerTurn }) => short(pagesPerTurn) },
  { title: 'turns', text: ({ turns }) => short(turns) },
  { title: 'submissions', text: ({ submissions }) => short(submissions) },
  { title: 'commands', text: ({ commands }) => short(commands) },
  { title: 'commands/page', text: ({ commandsPerPage }) => commandsPerPage.toFixed(3) },
  { title: 'all done after µs', text: ({ doneUs }) => short(doneUs) },
];

const placements: readonly QueuePolicyName[] = ['paging', 'user', 'least-loaded', 'highest-priority'];

const queueColumns: readonly Column<QueueRow>[] = [
  { title: 'priorities', text: ({ priorities }) => priorities, left: true },
  { title: 'load', text: ({ load }) => load, left: true },
  ...placements.map((name): Column<QueueRow> => ({
    title: `${name}, µs`,
    text: ({ flushUs }) => short(flushUs[name]),
  })),
  {
    title: 'load held up, µs',
    text: ({ heldUpUs }) => placements.map((name) => short(Math.round(heldUpUs[name] * 10) / 10)).join(' / '),
  },
];

const fenceColumns: readonly Column<FenceRow>[] = [
  { title: 'load', text: ({ load }) => load, left: true },
  { title: 'flushes go to', text: ({ order }) => order, left: true },
  { title: 'fences', text: ({ fences }) => short(fences) },
  { title: 'submissions', text: ({ submissions }) => short(submissions) },
  { title: 'mean µs', text: ({ meanUs }) => short(meanUs) },
  { title: 'longest µs', text: ({ longestUs }) => short(longestUs) },
];

const preemptionColumns: readonly Column<Row>[] = [
  { title: 'µs/unit', text: ({ scenario }) => short(scenario.preemptionUs ?? 0) },
  { title: 'units', text: ({ scenario }) => short(scenario.units) },
  { title: 'cost µs', text: ({ scenario }) => short((scenario.preemptionUs ?? 0) * scenario.units) },
  { title: 'preemption', text: ({ scenario }) => scenario.preemption, left: true },
  { title: 'preempted', text: ({ outcome, scenario }) => `${outcome.preemptions} of ${scenario.flushes}` },
  { title: 'commands/page', text: ({ outcome }) => outcome.commandsPerPage.toFixed(2) },
  { title: 'mean flush µs', text: ({ outcome }) => short(outcome.flushUs) },
  { title: 'longest µs', text: ({ outcome }) => short(outcome.longestUs) },
  { title: 'launches held up µs/flush', text: ({ outcome }) => short(outcome.lostUs) },
];

const faultingColumns: readonly Column<FaultingRow>[] = [
  { title: 'µs/unit', text: ({ scenario }) => short(scenario.preemptionUs ?? 0) },
  { title: 'units', text: ({ scenario }) => short(scenario.units) },
  { title: 'cost µs', text: ({ scenario }) => short((scenario.preemptionUs ?? 0) * scenario.units) },
  { title: 'preemption', text: ({ scenario }) => scenario.preemption, left: true },
  { title: 'preempted', text: ({ faulting }) => short(faulting.preemptions) },
  { title: 'ended after µs', text: ({ faulting }) => short(faulting.endUs) },
  { title: 'launches held up µs', text: ({ faulting }) => short(faulting.lostUs) },
];

const breakEvenColumns: readonly Column<BreakEven>[] = [
  { title: 'µs/unit', text: ({ unitCostUs }) => short(unitCostUs) },
  { title: 'units', text: ({ units }) => short(units) },
  { title: 'cost µs', text: ({ costUs }) => short(costUs) },
  { title: 'as a round begins, µs', text: ({ roundUs }) => short(roundUs) },
  { title: 'at random moments, µs', text: ({ randomRoundUs }) => short(randomRoundUs) },
  { title: 'times the cost', text: ({ randomRoundUs, costUs }) => (randomRoundUs / costUs).toFixed(2) },
];

const harvestColumns: readonly Column<HarvestRow>[] = [
  { title: 'priorities', text: ({ priorities }) => yesNo(priorities), left: true },
  { title: 'entries/command', text: ({ pagesPerCommand }) => short(pagesPerCommand) },
  { title: 'in front', text: ({ front }) => short(front) },
  { title: 'commands', text: ({ commands }) => short(commands) },
  { title: 'dirty', text: ({ dirty }) => short(dirty) },
  { title: 'bits in after µs', text: ({ us }) => short(us) },
  { title: 'launches held up µs', text: ({ heldUpUs }) => short(heldUpUs) },
];

const shrinkColumns: readonly Column<ShrinkRow>[] = [
  { title: 'pages', text: ({ pages }) => pages, left: true },
  { title: 'accessed bits', text: ({ accessedBits }) => yesNo(accessedBits), left: true },
  { title: 'preemption', text: ({ preemption }) => preemption, left: true },
  { title: 'in front', text: ({ front }) => short(front) },
  { title: 'freed', text: ({ freed }) => short(freed) },
  { title: 'commands', text: ({ commands }) => short(commands) },
  { title: 'freed after µs', text: ({ us }) => short(us) },
];

const metadataColumns: readonly Column<MetadataRow>[] = [
  { title: 'of', text: ({ what }) => what, left: true },
  { title: 'bytes', text: ({ bytes }) => bytes.toFixed(2) },
];

/** The findings for people. */
export function describe(findings: Findings): string {
  const { callbacks, sweep, allocatedBytes, node } = findings;
  const pages = sweep[0]?.scenario.pages ?? 0;
  const loads = new Set(findings.queues.map(({ load }) => load));
  const sections: readonly (readonly [title: string, ...parts: string[]])[] = [
    [
      `1. Each change of CPU page-table entries: ${CHANGED} pages that a device has, until the device obeys`,
      table(changeColumns, findings.changes),
    ],
    [
      `2. What the callback costs in wall time (Node ${node}): medians of ${callbacks.samples} samples in mixed order`,
      table(callbackColumns, callbacks.rows),
      table(ratioColumns, callbacks.ratios),
      `The callback allocates ${short(allocatedBytes)} bytes a call once it is warm.`,
    ],
    [
      `3. A flush of ${short(pages)} pages of one turn behind launches of ${short(ROUND_US)} µs, the first of which just began; a preemption costs 256 µs`,
      table(sweepColumns, sweepRows(sweep)),
    ],
    [
      `4. 1,000 pages, some a turn, a turn each ${GAP_US} µs, behind ${FRONT} launches`,
      table(coalescingColumns, findings.coalescing),
    ],
    [
      '5. A flush of 100 pages by each placement; two user queues, two paging queues',
      ...[...loads].map((load) => `   ${load}: ${LOADS[load]}`),
      table(queueColumns, findings.queues),
    ],
    [
      `6. ${FLUSHES} flushes of one page, one each ${APART_US} µs, none waited for; no priorities`,
      table(fenceColumns, findings.fences),
    ],
    [
      `7. 32 flushes of one page, one after the other, while launches of ${short(ROUND_US)} µs run`,
      table(preemptionColumns, findings.preemptions),
    ],
    [
      `8. A launch that faults on 16 pages, one after the other, beside launches of ${short(ROUND_US)} µs on another queue`,
      table(faultingColumns, findings.faultings),
    ],
    [
      '9. The length of the running round from which on interrupting is quicker than waiting',
      table(breakEvenColumns, findings.breakEvens),
    ],
    [
      `10. A harvest of ${short(HARVESTED)} pages behind launches of ${short(ROUND_US)} µs`,
      table(harvestColumns, findings.harvests),
    ],
    [
      `11. reclaim(${ASKED} of ${short(HELD)} pages) behind launches of ${short(ROUND_US)} µs; a preemption costs 256 µs`,
      table(shrinkColumns, findings.shrinking),
    ],
    ['12. Metadata in host memory, where devices have all pages', table(metadataColumns, findings.metadata)],
  ];
  return sections.map((parts) => parts.join('\n')).join('\n\n');
}

function sweepRows(rows: readonly Row[]): SweepRow[] {
  const merged: SweepRow[] = [];
  for (let i = 0; i < rows.length; i += policies.length) {
    const of = (name: PreemptionName) =>
      rows.slice(i, i + policies.length).find(({ scenario }) => scenario.preemption === name)!;
    merged.push({ never: of('never'), always: of('always'), weigh: of('weigh') });
  }
  return merged;
}
