import { defineCases } from '../../case.js';
import { bytesEqual, equal, nameOf, ok, refuses, rejects } from '../../check.js';
import { pattern } from '../../frames.js';
import { SpaceRig } from '../../space-rig.js';

const MISTAKE = ['TypeError', 'RangeError'];

type Call = (t: SpaceRig, address: number) => unknown;

/** Calls with one bad argument each, by name. */
const WRONG: Readonly<Record<string, Call>> = {
  'read-nan': (t) => t.mirror.read(NaN, 8),
  'read-negative': (t) => t.mirror.read(-8, 8),
  'read-fraction': (t, at) => t.mirror.read(at + 0.5, 8),
  'read-beyond': (t) => t.mirror.read(2 ** 47, 8),
  'read-negative-bytes': (t, at) => t.mirror.read(at, -8),
  'write-nan': (t) => t.mirror.write(NaN, new Uint8Array(8)),
  'fill-256': (t, at) => t.mirror.fill(at, 8, 256),
  'fill-negative': (t, at) => t.mirror.fill(at, -1, 0),
  'prefetch-nan': (t) => t.mirror.prefetch(NaN, 8),
  'prefetch-negative': (t, at) => t.mirror.prefetch(at, -8),
  'migrate-fraction': (t, at) => t.mirror.migrate(at + 0.5, 8, 'device'),
  'residency-nan': (t) => t.mirror.residency(NaN, 8),
  'harvest-nan': (t) => t.mirror.harvest(NaN, 8),
  'exclusive-nan': (t) => t.mirror.exclusive(NaN, 8),
};

export const error = defineCases({ level: 'mirror', area: 'error' }, [
  {
    name: 'bad-argument',
    rule: 'TypeError, RangeError at once for programming mistakes; nothing is changed',
    mend: 'nothing of a bad call may reach the device',
    cross: { call: Object.keys(WRONG) },
    variants: ['plain'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 1 });
      await t.mirror.write(area.address, pattern(1, 64));
      const call = WRONG[String(env.params['call'])];
      await refuses(() => call?.(t, area.address), MISTAKE, String(env.params['call']));
      await area.expect(0, pattern(1, 64), 'the page afterwards');
    },
  },
  {
    name: 'use-after-detach',
    rule: 'CLOSED: the object was detached before',
    mend: 'end the MMU; keep nothing of it alive',
    variants: ['plain', 'small', 'subrange', 'second'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 1 });
      await t.mirror.write(area.address, pattern(1, 64));
      await t.mirror.detach();
      await t.mirror.detach();
      await refuses(() => t.mirror.read(area.address, 8), ['CLOSED'], 'read after detach');
      await refuses(() => t.mirror.prefetch(area.address, 8), ['CLOSED'], 'prefetch after detach');
      bytesEqual(await t.space.read(area.address, 64), pattern(1, 64), 'the data');
    },
  },
  {
    name: 'errors-name-the-address',
    rule: 'MirrorError: says what, where, what to do next',
    mend: 'give cancelled accesses an error with the address or the range',
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 1 });
      await t.space.unmap(area.address, area.bytes);
      const failure = await t.mirror.read(area.address, 8).catch((reason: unknown) => reason);
      equal(nameOf(failure), 'ADDRESS_NOT_MAPPED', 'the error');
      ok(failure instanceof Error && failure.message.length > 15, 'its message says something');
      const named: unknown = Reflect.get(Object(failure), 'address');
      const text = failure.message.toLowerCase();
      ok(named !== undefined || text.includes(area.address.toString(16)), `the error says where: "${failure.message}"`);
    },
  },
  {
    name: 'attached-twice',
    rule: 'AddressSpace.attach: INVALID_ARGUMENT for a device that is attached already; nothing is changed',
    mend: 'nothing of the refused call may reach the device',
    async run(env) {
      const t = await SpaceRig.open(env);
      await rejects(t.space.attach(t.device), ['INVALID_ARGUMENT'], 'a second attach of one device');
      const area = await t.map({ pages: 1 });
      await t.mirror.write(area.address, pattern(1, 8));
      await area.expect(0, pattern(1, 8), 'the page');
    },
  },
  {
    name: 'failed-program',
    rule: 'PROGRAM: a device program threw; the mirror goes on',
    mend: 'fail the launch alone',
    needs: ['program:js'],
    async run(env) {
      const t = await SpaceRig.open(env);
      const area = await t.map({ pages: 1 });
      const run = (): never => {
        throw new Error('on purpose');
      };
      const program = { language: 'js', run };
      await rejects(
        t.mirror.launch(program).wait({ timeoutMs: env.waitMs }),
        ['PROGRAM'],
        'a launch whose program throws',
      );
      await t.mirror.write(area.address, pattern(1, 8));
      await area.expect(0, pattern(1, 8), 'the page afterwards');
    },
  },
]);
