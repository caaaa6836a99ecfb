import { mirroring as backend } from '@mirrorspace/memory/mirroring';
import { suiteOf } from './helpers.js';

for (const features of [['snapshots', 'advice'], ['snapshots'], []] as const) {
  const title = `a device that mirrors a process, with ${features.join(' and ') || 'nothing beside'}`;
  await suiteOf(title, { backend, backendOptions: { features }, seed: 1 });
}
