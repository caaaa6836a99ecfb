// The tests of live regions, with faults that a JavaScript worker reads.
import { useMemory } from './rig.js';

useMemory({ faultHandler: 'worker' });
await import('./live.test.js');
await import('./unmap.test.js');
await import('./model.test.js');
