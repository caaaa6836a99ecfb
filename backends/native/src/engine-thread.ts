// What the threads of a device run: a file of its own once built.
import { serve } from './engine/worker/main.js';

serve();
