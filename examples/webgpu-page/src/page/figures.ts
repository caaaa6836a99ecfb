import type { Counters } from '../messages.js';
import { made } from './element.js';
import { bytesText, countText } from './text.js';

/** A list of names and values, whose elements stay while their values change. */
export class Figures {
  readonly #list: HTMLElement;
  readonly #values = new Map<string, HTMLElement>();

  constructor(list: HTMLElement) {
    this.#list = list;
  }

  show(figures: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(figures)) {
      let value = this.#values.get(name);
      if (value === undefined) {
        value = made('dd');
        const group = made('div');
        group.append(made('dt', name), value);
        this.#list.append(group);
        this.#values.set(name, value);
      }
      if (value.textContent !== text) value.textContent = text;
    }
  }
}

/** The counters of a mirror and its device, as text by name. */
export function counterFigures({ faults, evictions, bytesIn, bytesOut, memoryUse }: Counters): Record<string, string> {
  const held = memoryUse.reduce((sum, { bytes }) => sum + bytes, 0);
  const frames = memoryUse.find(({ use }) => use === FRAMES)?.bytes ?? 0;
  return {
    Faults: countText(faults),
    Evictions: countText(evictions),
    'To the device': bytesText(bytesIn),
    'To the host': bytesText(bytesOut),
    'GPU: pages': bytesText(frames),
    'GPU: tables': bytesText(held - frames),
  };
}

/** What the device's ledger calls the memory that pages lie in. */
const FRAMES = 'frames';
