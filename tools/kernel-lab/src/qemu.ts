import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Console } from './console.js';
import type { Kernel } from './kernel.js';
import { packageRoot, repositoryRoot } from './root.js';
import { endGroup, endWithUs } from './step.js';

/** Seconds until the first process of the guest runs. */
const BOOT = 180;
/** Seconds between two phases, and for the end. */
const BETWEEN = 60;

/** Physical ranges that stand for the memory of the two coherent devices: the guest's kernel leaves them alone. */
const COHERENT = ['0x40000000', '0x50000000'].map((start) => `memmap=256M$${start}`);

/** The guest did not come up: nothing of ours ran. */
export class BootError extends Error {}

/** What a run needs. */
export interface GuestOptions {
  /** The kernel to boot. */
  readonly kernel: Kernel;
  /** A folder that the guest writes to; its paths have no quotes. */
  readonly share: string;
  /** The phases to run, and the seconds that each may take. */
  readonly limits: Readonly<Record<string, number>>;
}

/**
 * Boots the kernel with the host's root, read-only, and runs `guest/run.sh` there. Resolves when the guest has ended by itself.
 * Emulated: /dev/kvm is not used, for on machines that are guests themselves it hangs.
 * @throws BootError where it did not come up; Error that names the phase that took too long
 */
export async function runGuest({ kernel, share, limits }: GuestOptions): Promise<void> {
  mkdirSync(share, { recursive: true });
  const copy = (name: string) => {
    const text = readFileSync(join(packageRoot(), 'guest', name), 'utf8');
    const phases = Object.keys(limits).join();
    const filled = [
      ['@WORK@', repositoryRoot()],
      ['@KERNEL@', kernel.folder],
      // Wherever it was installed: the tests run on the Node that runs this.
      ['@NODE@', dirname(process.execPath)],
      ['@PHASES@', phases],
    ].reduce((sum, [mark, value]) => sum.replaceAll(mark!, value!), text);
    writeFileSync(join(share, name), filled, { mode: 0o755 });
  };
  copy('init.sh');
  copy('run.sh');
  const [command, ...args] = commandLine(kernel, share);
  const log = createWriteStream(join(share, 'console.log'));
  const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  endWithUs(child);
  const guest = new Console();
  child.stdout.on('data', (data: Buffer) => {
    log.write(data);
    guest.read(data.toString());
  });
  let complaints = '';
  child.stderr.on('data', (data: Buffer) => {
    log.write(data);
    complaints += data.toString();
  });
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(`could not start: ${error.message}`));
    child.on('close', (code) => resolve(`ended with ${code}: ${complaints.trim() || 'no message'}`));
  });
  const late = await watch(guest, ended, limits);
  endGroup(child.pid);
  const how = await ended;
  log.end();
  const where = `; its console is in ${join(share, 'console.log')}`;
  if (!guest.up) throw new BootError(late ?? `${command} ${how}${where}`);
  if (!guest.done) throw new Error(`${late ?? `the guest ended ${place(guest)}`}${where}`);
}

/** Resolves when the guest has ended, or with what took too long. */
async function watch(
  guest: Console,
  ended: Promise<unknown>,
  limits: GuestOptions['limits'],
): Promise<string | undefined> {
  let over = false;
  void ended.then(() => (over = true));
  let where = '';
  let since = performance.now();
  for (;;) {
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 200))]);
    if (over) return undefined;
    if (place(guest) !== where) {
      where = place(guest);
      since = performance.now();
      console.log(`  ${where}`);
    }
    const limit = guest.up ? (limits[guest.phase ?? ''] ?? BETWEEN) : BOOT;
    if (performance.now() - since > limit * 1000) return `the guest took more than ${limit} s ${where}`;
  }
}

function place(guest: Console): string {
  if (!guest.up) return 'to boot';
  if (guest.phase !== undefined) return `in phase ${guest.phase}`;
  return guest.done ? 'to end' : 'between phases';
}

function commandLine(kernel: Kernel, share: string): string[] {
  const folder = (tag: string, path: string, more: string) => [
    ...['-fsdev', `local,id=${tag},path=${path},security_model=none,multidevs=remap${more}`],
    ...['-device', `virtio-9p-pci,fsdev=${tag},mount_tag=${tag}`],
  ];
  const root = ['root=root', 'rootfstype=9p', 'rootflags=trans=virtio,version=9p2000.L,msize=262144,cache=loose', 'ro'];
  const append = [
    'console=ttyS0',
    'panic=-1',
    'oops=panic',
    'quiet',
    ...root,
    `init=${join(share, 'init.sh')}`,
    ...COHERENT,
  ];
  return [
    ...['qemu-system-x86_64', '-accel', 'tcg,thread=multi', '-cpu', 'max,-cx16', '-smp', '2', '-m', '2048'],
    ...['-nographic', '-no-reboot', '-nic', 'none', '-vga', 'none', '-device', 'virtio-gpu-pci'],
    ...folder('root', '/', ',readonly=on'),
    ...folder('lab', share, ''),
    ...['-kernel', kernel.image, '-append', append.join(' ')],
  ];
}
