import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const script = fileURLToPath(new URL('../fixtures/memory-endings.mjs', import.meta.url));
const withoutUserfaultfd = fileURLToPath(new URL('../fixtures/without-userfaultfd.py', import.meta.url));
const root = process.getuid?.() === 0;

interface Ending {
  readonly status: number | null;
  readonly signal: string | null;
  readonly output: string;
}

function end(command: string, args: readonly string[], options = {}): Promise<Ending> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { timeout: 100_000, killSignal: 'SIGKILL', ...options });
    let output = '';
    child.stdout.on('data', (chunk) => (output += String(chunk)));
    child.stderr.on('data', (chunk) => (output += String(chunk)));
    child.on('close', (status, signal) => resolve({ status, signal, output: output.trim() }));
  });
}

const ended = (status: number, output: RegExp) => ({
  status,
  signal: null,
  output: expect.stringMatching(output) as string,
});

/** A shell that limits the process. */
const limited = (limit: string, way: string) =>
  end('sh', ['-c', `ulimit ${limit}; exec "$0" "$1" ${way}`, process.execPath, script]);

/** Ways to end, status and output, whoever reads faults. */
const BY_ANY = [
  ['natural', 0, /^0$/],
  ['naturalLater', 0, /^$/],
  ['workersEnd', 0, /^ended$/],
  ['exit', 3, /^$/],
  ['throw', 1, /uncaught/],
  ['exitWhileWorkerWaits', 4, /^$/],
  ['exitWhileWorkerWaitsUntold', 4, /^$/],
  ['terminateWorkerThatWaits', 0, /^ended$/],
  ['closeWhileWorkerWaits', 0, /^0$/],
  ['deviceClosedWhileWorkerWaits', 70, /waited 1000 ms/],
  ['deviceClosedAndPageWritten', 0, /^3$/],
  ['exitWhileDeviceHangs', 4, /^$/],
  ['servedLate', 0, /^1 0 false\n7$/],
  ['handlerThrows', 1, /from the handler/],
  ['nobodyServes', 70, /waited 200 ms/],
  ['ownFault', 70, /waited 200 ms/],
] as const;
/** More, tried where a thread of the addon reads them. */
const OTHERS = [
  ['freeWhileWorkerWaits', 0, /^0$/],
  ['descriptorClosed', 70, /closed by somebody else/],
  ['stoppedAndContinued', 0, /^7$/],
  ['spawnWithGigabytes', 0, /^0 0 hi {2}1$/],
  ['fileCutShort', 70, /^1\nmirrorspace: an access to a mapped file met no page/],
  ['addressSpace', 0, /^MirrorError OUT_OF_HOST_MEMORY done 0$/],
  ['mappings', 0, /^MirrorError OUT_OF_HOST_MEMORY done 0$/],
] as const;

// Each in a process of its own; none may hang, and none may end by a signal.
describe('native memory', { timeout: 120_000 }, () => {
  it.concurrent.each([...BY_ANY, ...OTHERS])('%s', async (way, status, output) => {
    expect(await end(process.execPath, [script, way])).toEqual(ended(status, output));
  });

  it.concurrent.each(BY_ANY)('%s, with faults that a worker reads', async (way, status, output) => {
    expect(await end(process.execPath, [script, way, 'worker'])).toEqual(ended(status, output));
  });

  it('says what to do where address space is limited', async () => {
    const memory = /^MirrorError OUT_OF_HOST_MEMORY done done$/;
    expect(await limited('-v 4000000', 'limitedAddressSpace')).toEqual(ended(0, memory));
  });

  it('says what to do where files may not be long', async () => {
    expect(await limited('-f 100', 'limitedFiles')).toEqual(ended(0, /^MirrorError OUT_OF_HOST_MEMORY$/));
  });

  it('says what to do where no more files may be open', async () => {
    const refused = /^Error EMFILE MirrorError OUT_OF_HOST_MEMORY done done$/;
    expect(await limited('-n 100', 'limitedDescriptors')).toEqual(ended(0, refused));
  });

  it('locks nothing', async () => {
    expect(await limited('-l 0', 'servedLate')).toEqual(ended(0, /^1 0 false\n7$/));
  });

  it('says what to do where address space is too small for a device', async () => {
    expect(await limited('-v 4000000', 'limitedDevices')).toEqual(ended(0, /MirrorError OUT_OF_HOST_MEMORY$/));
  });

  it('says what to do where no more threads may start', async () => {
    // Limits of threads are not for root.
    const options = root ? { uid: 65534, gid: 65534, cwd: '/' } : {};
    const refused = /^MirrorError OUT_OF_HOST_MEMORY MirrorError OUT_OF_HOST_MEMORY$/;
    expect(await end(process.execPath, [script, 'limitedThreads'], options)).toEqual(ended(0, refused));
  });

  it('is tracked by comparing where userfaultfd is forbidden, and cannot be withheld', async () => {
    const output = /^compare false 3 1 UNSUPPORTED true MirrorError UNSUPPORTED$/;
    expect(await end('python3', [withoutUserfaultfd, process.execPath, script, 'denied'])).toEqual(ended(0, output));
  });

  it.runIf(root)('serves an unprivileged user; system calls may not meet what is withheld', async () => {
    const output = /^done done\nError EFAULT\n7 true done wp-async$/;
    const options = { uid: 65534, gid: 65534, cwd: '/' };
    expect(await end(process.execPath, [script, 'unprivileged'], options)).toEqual(ended(0, output));
  });
});
