import { formatCount } from './format.ts';

const images = (n: number) => `${formatCount(n)} ${n === 1 ? 'image' : 'images'}`;

/** Every sentence of the page on outages and of the forwarding rules. */
export const outageMessages = {
  lead: 'Every time the main PACS was down: when, how it was noticed, what was received meanwhile, who looked at images, and what waits for whom.',
  csv: 'Save as CSV',
  none: 'No outage so far.',
  heads: ['From', 'To', 'Received meanwhile', 'Waits for', 'Looked at', 'Evidence'],
  goesOn: 'goes on',
  planned: (note: string) => `planned: ${note}`,
  received: (n: number, source: string) => `${images(n)} from ${source}`,
  owed: (n: number, destination: string) => `${images(n)} for ${destination}`,
  looks: (n: number, user: string) => `${user}: ${n === 1 ? 'once' : `${formatCount(n)} times`}`,
  commitmentTitle: 'What they have committed to keep',
  commitmentLead: 'Storage commitment: not only taken, but safely stored over there. What is refused is sent again.',
  plannedTitle: 'Planned downtimes',
  plannedNone: 'None is planned.',
  plannedHeads: ['From', 'To', 'Why', 'By', 'Actions'],
  from: 'From',
  to: 'To',
  why: 'Why',
  plan: 'Plan a downtime',
  remove: 'Remove',
  removeQuestion: 'Remove this planned downtime?',
};

export const rulesMessages = {
  title: 'Destinations and rules',
  lead: (file: string) =>
    `What stands in ${file} (YAML; router/README.md explains it). A change is in force for what comes from then on; what already waits goes as it was decided.`,
  label: 'Forwarding file',
  study: 'Study Instance UID to try it with',
  tryIt: 'Try, without saving',
  save: 'Save and put in force',
  saved: 'Saved and in force.',
  heads: ['Destination', 'Images', 'Priority', 'By the rules', 'Changes'],
  everything: 'everything goes there',
  result: (all: number, nowhere: number) =>
    `${images(all)} in this study${nowhere > 0 ? `, ${formatCount(nowhere)} of them would go nowhere` : ''}. Nothing was sent.`,
  change: (name: string, before: string, after: string) => `${name}: ${before || '(none)'} → ${after || '(none)'}`,
  unchanged: 'as they are',
};
