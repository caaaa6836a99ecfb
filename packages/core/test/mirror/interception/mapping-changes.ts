import { expect } from 'vitest';
import { expectBytes, PAGE } from '../../space/helpers.js';
import { ANONYMOUS, type Change, EVERYWHERE, expectInFile, inFile, kept, PRIVATE, unchanged } from './change.js';
import {
  BY_DEVICE,
  IN_FILE,
  is,
  look,
  OLD,
  OTHER,
  OTHER_PAGE,
  PAGES,
  type Place,
  refuses,
  THE_PAGE,
  ZEROS,
} from './place.js';

const ELSEWHERE = 0x5000_0000;

/** What is left of a page after `dontNeed`. */
const discarded = ({ memory }: Place) => (memory === 'anonymous' ? ZEROS : IN_FILE);

/** Changes of what is mapped where, and with which rights. */
export const MAPPING_CHANGES: readonly Change[] = [
  {
    name: 'unmap',
    memories: EVERYWHERE,
    told: 'unmap',
    run: ({ space, at }) => space.unmap(at, PAGE),
    async check(place, { wrote }) {
      is(await look(place, place.at), 'ADDRESS_NOT_MAPPED');
      place.space.map({ bytes: PAGE, address: place.at, fixed: true });
      is(await look(place, place.at), ZEROS);
      if (place.memory === 'shared file') await expectInFile(place, kept(wrote));
    },
  },
  {
    name: 'unmap of the last shared region',
    memories: ['shared file'],
    told: 'unmap',
    run: ({ space, region }) => space.unmap(region.address, PAGES * PAGE),
    async check(place, { wrote }) {
      is(await look(place, place.at), 'ADDRESS_NOT_MAPPED');
      expectBytes(inFile(place), kept(wrote));
    },
  },
  {
    name: 'map over a mapping',
    memories: EVERYWHERE,
    told: 'unmap',
    async run({ space, at }) {
      const region = space.map({ bytes: PAGE, address: at, fixed: true });
      expect(space.regionAt(at)).toBe(region);
      await space.flush();
    },
    async check(place, { wrote, racing }) {
      const here = is(await look(place, place.at), ZEROS, ...(racing && wrote ? [BY_DEVICE] : []));
      if (place.memory === 'shared file') await expectInFile(place, kept(wrote && here === ZEROS));
    },
  },
  {
    name: 'protect, read',
    memories: EVERYWHERE,
    told: 'protection',
    run: ({ space, at }) => space.protect(at, PAGE, 'read'),
    async check(place, outcome) {
      is(await look(place, place.at), kept(outcome.wrote));
      await refuses(place.mirror.write(place.at, OTHER), 'ACCESS_DENIED');
      await refuses(place.space.write(place.at, OTHER), 'ACCESS_DENIED');
      await place.space.protect(place.at, PAGE, 'read-write');
      await unchanged(place, outcome);
    },
  },
  {
    name: 'protect, none',
    memories: EVERYWHERE,
    told: 'protection',
    run: ({ space, at }) => space.protect(at, PAGE, 'none'),
    async check(place, outcome) {
      is(await look(place, place.at), 'ACCESS_DENIED');
      await place.space.protect(place.at, PAGE, 'read-write');
      await unchanged(place, outcome);
    },
  },
  {
    name: 'remap',
    memories: EVERYWHERE,
    told: 'unmap',
    async run({ space, at }) {
      const region = await space.remap(at, PAGE, { address: ELSEWHERE });
      expect(region.address).toBe(ELSEWHERE);
    },
    async check(place, outcome) {
      is(await look(place, place.at), 'ADDRESS_NOT_MAPPED');
      await unchanged({ ...place, at: ELSEWHERE }, outcome);
    },
  },
  ...(['callback', 'unmap-flush'] as const).flatMap((form): Change[] => [
    {
      name: `remap of file pages, ${form}`,
      memories: ['shared file'],
      told: 'clear',
      run: ({ region }) => region.remapPages({ offset: THE_PAGE * PAGE, bytes: PAGE, from: OTHER_PAGE * PAGE, form }),
      async check(place, { wrote, racing }) {
        const here = is(await look(place, place.at), OTHER, ...(racing && wrote ? [BY_DEVICE] : []));
        // A write that came after the change is in the other page of the file.
        await expectInFile(place, kept(wrote && here === OTHER));
      },
    },
    {
      name: `remap of anonymous pages, ${form}`,
      memories: ANONYMOUS,
      told: 'clear',
      run: ({ region }) => region.remapPages({ offset: THE_PAGE * PAGE, bytes: PAGE, from: OTHER_PAGE * PAGE, form }),
      async check(place, { wrote, racing }) {
        const here = is(await look(place, place.at), OTHER, ...(racing && wrote ? [BY_DEVICE] : []));
        is(await look(place, place.region.address + OTHER_PAGE * PAGE), kept(wrote && here === OTHER));
      },
    },
  ]),
  {
    name: 'truncation',
    memories: ['shared file', 'private file'],
    told: 'clear',
    async run({ space, source }) {
      await space.truncate(source, THE_PAGE * PAGE);
      expect(source.length).toBe(THE_PAGE * PAGE);
    },
    async check(place) {
      is(await look(place, place.at), 'IO');
      place.source.length = PAGES * PAGE;
      is(await look(place, place.at), ZEROS);
    },
  },
  {
    name: 'clearing of private contents',
    memories: PRIVATE,
    told: 'clear',
    run: ({ space, at }) => space.dontNeed(at, PAGE),
    async check(place, { wrote, racing }) {
      is(await look(place, place.at), discarded(place), ...(wrote && racing ? [BY_DEVICE] : []));
      if (place.memory === 'private file') await expectInFile(place, IN_FILE);
    },
  },
  {
    name: 'clearing of shared contents, which stay',
    memories: ['shared file'],
    told: 'clear',
    run: ({ space, at }) => space.dontNeed(at, PAGE),
    check: unchanged,
  },
  {
    name: 'release',
    memories: EVERYWHERE,
    told: 'release',
    run: ({ space }) => space.close(),
    async check(place, { wrote }) {
      for (const who of [place.space, ...place.mirrors]) await refuses(who.read(place.at, 4), 'CLOSED');
      expectBytes(inFile(place), place.memory === 'shared file' ? kept(wrote) : IN_FILE);
      expect(OLD).not.toEqual(IN_FILE);
    },
  },
];
