import { openLogFiles } from '../record/readLog';
import { createShipper } from './ship';

/** For crash.test.ts: ships a log again and again, until it is killed in the middle of it. */
const [storeUrl = '', dataDir = ''] = process.argv.slice(2);
const log = openLogFiles(dataDir);
// Few entries, so that what was logged takes many transactions, and being killed falls between two of them as well as into one.
const shipper = createShipper({ storeUrl, log, node: 'crash', batchEntries: 200 });
process.stdout.write('begins\n');
for (;;) {
  log.refresh();
  await shipper.round();
}
