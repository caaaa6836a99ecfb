import { readdirSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseMemory, parseSize } from '../src/demo/options.js';
import { capture } from './capture.js';

/** What is in the demo's folder, which an earlier run may have left: names and times. Undefined: there is none. */
function output(): string[] | undefined {
  const folder = statSync('mirrorspace-demo', { throwIfNoEntry: false });
  if (folder === undefined) return undefined;
  const files = readdirSync('mirrorspace-demo').map(
    (name) => `${name} ${statSync(`mirrorspace-demo/${name}`).mtimeMs}`,
  );
  return [String(folder.mtimeMs), ...files];
}

describe('mirrorspace', () => {
  it.each([
    ['demo --memory nonsense', /--memory.*Say bytes/],
    ['demo --memory NaN', /Say bytes/],
    ['demo --memory -4096', /--memory/],
    ['demo --memory 1e9', /Say bytes/],
    ['demo --memory 4kB', /Say bytes/],
    ['demo --memory 0', /Too little: at least 64KiB/],
    ['demo --memory 65535', /Too little: at least 64KiB/],
    ['demo --memory 5GiB', /Too much: at most 4GiB/],
    ['demo --size 480', /480x360/],
    ['demo --size NaNxNaN', /480x360/],
    ['demo --size 48.5x36', /480x360/],
    ['demo --size 0x0', /from 16 to 2048 pixels/],
    ['demo --size 480x99999', /from 16 to 2048 pixels/],
    ['demo --eviction random', /Allowed choices are lru, clock, fifo/],
    ['demo --prefetch all', /Allowed choices are none, next, tree/],
    ['demo --seed -1', /--seed/],
    ['demo --seed 1.5', /whole number/],
    ['demo --seed 4294967296', /whole number/],
    ['demo --backend ../../etc', /last part of its package name/],
    ['demo --backend nosuch', /npm install @mirrorspace\/nosuch/],
    ['demo --out /dev/null/x', /output folder \/dev\/null\/x/],
    ['demo --memory', /argument missing/],
    ['demo --nosuch', /unknown option '--nosuch'/],
    ['demo surplus', /too many arguments/],
    ['nosuch', /unknown command 'nosuch'/],
    ['', /Usage: mirrorspace/],
  ])('%s: ends with exit code 2 and says why', async (line, message) => {
    const before = output();
    const { exitCode, stdout, stderr } = await capture(...line.split(' ').filter((word) => word !== ''));
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(output()).toEqual(before);
  });

  it('explains itself on request', async () => {
    const { exitCode, stdout, stderr } = await capture('demo', '--help');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    for (const name of ['backend', 'memory', 'size', 'eviction', 'prefetch', 'seed', 'out', 'json']) {
      expect(stdout).toContain(`--${name}`);
    }
  });
});

describe('parseMemory', () => {
  it.each([
    ['4194304', 4194304],
    ['4MiB', 4194304],
    ['0.5 mib', 524288],
    ['64KiB', 65536],
    ['70000B', 69632],
    ['4GiB', 4294967296],
  ])('reads %s as whole pages: %i', (text, bytes) => expect(parseMemory(text)).toBe(bytes));
});

describe('parseSize', () => {
  it('reads width and height', () => expect(parseSize('640X16')).toEqual({ width: 640, height: 16 }));
});
