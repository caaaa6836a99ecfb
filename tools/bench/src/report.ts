import os from 'node:os';
import type { RunOptions } from './harness/benchmark.js';
import type { ClockName } from './harness/clock.js';
import type { Row, Unit } from './harness/row.js';

/** Where and how the figures were taken. */
export interface Conditions {
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  /** One-minute load average when the run began: above the number of cores, others had the machine too. */
  readonly load: number;
  readonly quick: boolean;
  readonly clock: ClockName;
}

export function conditions(options: RunOptions): Conditions {
  const cpus = os.cpus();
  return {
    node: process.version,
    cpu: cpus[0]?.model ?? 'unknown',
    cores: cpus.length,
    load: os.loadavg()[0] ?? 0,
    ...options,
  };
}

/** The rows as lines of a table for people. */
export function table(rows: readonly Row[]): string {
  const width = Math.max(...rows.map((row) => row.name.length));
  return rows.map((row) => `${headline(row, width)}\n${details(row)}`).join('\n');
}

function headline(row: Row, width: number): string {
  const value = format(row.measured, row.unit).padStart(9);
  const range = `${format(row.spread[0], row.unit)} – ${format(row.spread[1], row.unit)}`.padStart(19);
  const target = `${row.target.relation === 'at most' ? '≤' : '≥'} ${format(row.target.value, row.unit)}`.padStart(11);
  return `${row.name.padEnd(width)} ${value}  (${range})  ${target}  ${row.met ? 'met' : 'MISSED'}`;
}

function details(row: Row): string {
  const figures = Object.entries(row.figures).map(([name, value]) => `${name} ${short(value)}`);
  return `    ${figures.join(' · ')}`;
}

function format(value: number, unit: Unit): string {
  if (unit === 'x') return `${value.toFixed(2)}x`;
  return unit === 'ns' ? `${value.toFixed(0)} ns` : `${value.toFixed(1)} B`;
}

function short(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString('en') : value.toFixed(value < 10 ? 2 : 0);
}
