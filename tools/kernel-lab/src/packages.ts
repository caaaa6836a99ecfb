import { existsSync } from 'node:fs';
import { step } from './step.js';

/** What the kernel's source comes from. */
const SOURCE = 'linux-source-6.12';

/** What is needed beside it, to build and to boot. */
const TOOLS = ['qemu-system-x86', 'gcc', 'libc6-dev', 'make', 'flex', 'bison', 'bc', 'libelf-dev', 'xz-utils', 'kmod'];

/** A package whose version names the kernel. */
export interface KernelSource {
  /** Version of the package. */
  readonly version: string;
  /** Its archive. */
  readonly archive: string;
}

/**
 * Installs what is missing. Only Debian has these packages by these names.
 * @throws Error that says what to install where it cannot
 */
export async function installPackages(log: string): Promise<KernelSource> {
  const missing = async () => {
    const found = await Promise.all([SOURCE, ...TOOLS].map(async (name) => [name, await installed(name)] as const));
    return found.filter(([, version]) => version === undefined).map(([name]) => name);
  };
  if (process.arch !== 'x64' || !existsSync('/etc/debian_version')) {
    throw new Error(
      `the kernel lab needs Debian 12 or newer on x86-64, for the packages ${[SOURCE, ...TOOLS].join(', ')}; run it in such a container or machine`,
    );
  }
  const absent = await missing();
  if (absent.length > 0) {
    if (process.getuid?.() !== 0)
      throw new Error(`packages are missing: run \`sudo apt-get install --no-install-recommends ${absent.join(' ')}\``);
    console.log(`installing ${absent.join(' ')}`);
    const env = { DEBIAN_FRONTEND: 'noninteractive' };
    await step('updating the list of packages', ['apt-get', 'update'], { limit: 300, log, env });
    const install = ['apt-get', 'install', '-y', '--no-install-recommends', ...absent];
    await step('installing packages', install, { limit: 900, log, env });
    const still = await missing();
    if (still.length > 0) throw new Error(`apt-get installed no ${still.join(', ')}; see ${log}`);
  }
  const version = await installed(SOURCE);
  return { version: version!, archive: `/usr/src/${SOURCE}.tar.xz` };
}

async function installed(name: string): Promise<string | undefined> {
  try {
    const format = '--showformat=${db:Status-Status} ${Version}';
    const [state, version] = (await step(name, ['dpkg-query', '--show', format, name], { limit: 30 })).split(' ');
    return state === 'installed' ? version : undefined;
  } catch {
    return undefined;
  }
}
