import { DeviceNames } from '@mirrorspace/core/driver';
import { expect, it } from 'vitest';

it('gives each open device a name that no other has', () => {
  const names = new DeviceNames('card');
  const first = names.take();
  expect([first.name, names.take().name, names.take('mine').name]).toEqual(['card:0', 'card:1', 'mine']);
  expect(() => names.take('card:1')).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', device: 'card:1' }));
  first.release();
  const again = names.take();
  expect(again.name).toBe('card:0');
  first.release();
  expect(() => names.take('card:0')).toThrow(/open already/);
});
