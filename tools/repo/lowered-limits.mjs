// Runs parts of the conformance suite on WebGPU devices with lower limits than the adapter has: `node tools/repo/lowered-limits.mjs`.
// With --all it runs the whole suite on each; with --only=<name> on one of them.
import { fileURLToPath } from 'node:url';
import { run } from './workspaces.mjs';

/** What WebGPU guarantees, and no more. */
const guaranteed = { requiredLimits: {} };
/** Frames in as many buffers as eight bindings show. */
const severalBuffers = { ...guaranteed, memory: 2 ** 23, largestBuffer: 2 ** 21 };
const addresses = { addressBits: 47 };
const tiny = { faultBuffer: 1, residentUnits: 3 };

/** The devices, and the parts of the suite that their limits are about. */
const DEVICES = {
  guaranteed: [guaranteed, ['driver/limit', 'driver/fault', 'mirror/fault']],
  'several-buffers': [severalBuffers, ['driver/mapping', 'driver/replay:wgsl', 'driver/dirty', 'mirror/mapping']],
  'wide-addresses': [addresses, ['driver/mapping', 'driver/fault', 'driver/replay:wgsl']],
  'tiny-buffers': [tiny, ['driver/fault', 'driver/replay', 'mirror/eviction:thrashing', 'mirror/replay']],
  everything: [
    { ...severalBuffers, ...addresses, ...tiny },
    ['driver/replay', 'driver/harvest', 'driver/loss', 'mirror/fault', 'mirror/loss', 'mirror/harvest:during'],
  ],
};

const all = process.argv.includes('--all');
const only = process.argv.find((argument) => argument.startsWith('--only='))?.slice('--only='.length);
const conformance = fileURLToPath(new URL('./conformance.mjs', import.meta.url));
let failed = false;
for (const [name, [options, filter]] of Object.entries(DEVICES)) {
  if (only !== undefined && only !== name) continue;
  const start = performance.now();
  console.log(`${name}: ${JSON.stringify(options)}`);
  const args = [`--name=webgpu-${name}`, '--backend-options', JSON.stringify(options), '--time-limit', '60000'];
  if (!all) args.push('--filter', ...filter);
  const { code } = await run([process.execPath, [conformance, '@mirrorspace/webgpu', ...args]]);
  console.log(`${code === 0 ? '✓' : '✗'} ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  failed ||= code !== 0;
}
process.exit(failed ? 1 : 0);
