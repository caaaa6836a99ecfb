import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const binary = fileURLToPath(new URL('../addon/build/Release/mirrorspace.node', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'drivers-'));
const preload = join(folder, 'drivers.so');
beforeAll(() => {
  execFileSync('g++', ['-x', 'c', '-shared', '-fPIC', '-O1', '-o', preload, fixture('drivers.c'), '-ldl']);
});

afterAll(() => rmSync(folder, { recursive: true }));

function ask(way: 'sync' | 'async', what: 'number' | 'descriptor', trouble: Readonly<Record<string, string>> = {}) {
  const env = { ...process.env, ...trouble, LD_PRELOAD: preload };
  const { stdout } = spawnSync(process.execPath, [fixture('asks.mjs'), binary, way, what], { env, encoding: 'utf8' });
  return stdout.trim();
}

it.each(['sync', 'async'] as const)('makes a request again that was interrupted, %s', (way) => {
  expect(ask(way, 'number', {})).toBe('made');
  expect(ask(way, 'number', { INTERRUPTED: '3', AGAIN: '2' })).toBe('made');
});

it.each(['sync', 'async'] as const)('gives a request up that goes on being refused, %s', (way) => {
  expect(ask(way, 'number', { INTERRUPTED: '1000000' })).toBe('EINTR');
  expect(ask(way, 'number', { AGAIN: '1000000' })).toBe('EAGAIN');
});

it.each(['sync', 'async'] as const)('returns the descriptor that a driver makes, %s', (way) => {
  // Readable (1) since something was put in, and writable (4).
  expect(ask(way, 'descriptor')).toBe('5 7,0,0,0,0,0,0,0\ntrue');
});
