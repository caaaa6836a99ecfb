export type { FaultCompanion } from '@mirrorspace/core/driver';
export { mirroring, type MirroringBackend, type MirroringOptions, simulatedMemory } from './mirroring/backend.js';
