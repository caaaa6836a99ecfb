/** Tests that run in the guest, on devices of its kernel; they print TAP. */
import './anonymous.js';
import './bad-input.js';
import './drm/bad-input.js';
import './drm/memory.js';
import './drm/timelines.js';
import './exclusive.js';
import './files.js';
import './migrating.js';
import './pinned.js';
import './policies.js';
import './process-test.js';
// Last: it takes the device away for a while.
import './drm/unplugged.js';
