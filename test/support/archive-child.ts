import { openArchive } from '../../storage/archive.ts';
import { archiveOptions, receive, slice } from './archive.ts';

/**
 * An archive in a process of its own, to be killed: receives slices FROM to TO, says `ACK sop dataSetSha256` for each
 * acknowledged one, and dies by SIGKILL after the commit step STEP ('' for never: it closes after a flush).
 * Arguments: DIR FROM TO STEP
 */
const [dir, from, to, step] = process.argv.slice(2) as [string, string, string, string];
const archive = await openArchive({
  ...archiveOptions(dir),
  onStep: (done) => {
    if (done === step) process.kill(process.pid, 'SIGKILL');
  },
});
for (let i = Number(from); i <= Number(to); i++) {
  const { sopInstanceUID, dataSetSha256 } = await receive(archive, slice(i));
  process.stdout.write(`ACK ${sopInstanceUID} ${dataSetSha256}\n`);
}
await archive.flush();
await archive.close();
