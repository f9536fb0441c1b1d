import type { ReplicaOptions } from '../../storage/replica/replica-types.ts';
import { Replicator } from '../../storage/replica/replicator.ts';

/** A copier in a process of its own, to be killed. Says how many instances it has copied. Arguments: OPTIONS(JSON) */
const replicator = new Replicator({
  ...(JSON.parse(process.argv[2]!) as Omit<ReplicaOptions, 'onProblem'>),
  onProblem: ({ message }) => console.error(message),
});
replicator.start();
let told = 0;
setInterval(() => {
  const { instances } = replicator.status().copied;
  if (instances > told) process.stdout.write(`COPIED ${instances}\n`);
  told = instances;
}, 5);
