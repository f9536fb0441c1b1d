/**
 * The state transition table of the DICOM upper layer, PS3.8 Table 9-10, with the standard's own names. Combinations that
 * the table leaves empty cannot happen; `transition` returns undefined for them.
 */

export type State =
  | 'Sta1' // idle
  | 'Sta2' // transport open, awaiting A-ASSOCIATE-RQ
  | 'Sta3' // awaiting local A-ASSOCIATE response
  | 'Sta4' // awaiting transport connection
  | 'Sta5' // awaiting A-ASSOCIATE-AC or -RJ
  | 'Sta6' // established, ready for data
  | 'Sta7' // awaiting A-RELEASE-RP
  | 'Sta8' // awaiting local A-RELEASE response
  | 'Sta9' // release collision, requestor, awaiting local response
  | 'Sta10' // release collision, acceptor, awaiting A-RELEASE-RP
  | 'Sta11' // release collision, requestor, awaiting A-RELEASE-RP
  | 'Sta12' // release collision, acceptor, awaiting local response
  | 'Sta13'; // awaiting transport close

export type Event =
  | 'associate-request'
  | 'transport-confirm'
  | 'associate-ac-pdu'
  | 'associate-rj-pdu'
  | 'transport-indication'
  | 'associate-rq-pdu'
  | 'associate-accept'
  | 'associate-reject'
  | 'p-data-pdu'
  | 'release-request'
  | 'release-rq-pdu'
  | 'release-rp-pdu'
  | 'release-response'
  | 'abort-request'
  | 'abort-pdu'
  | 'transport-closed'
  | 'artim-expired'
  | 'invalid-pdu';

export type Action =
  | 'AE-1'
  | 'AE-2'
  | 'AE-3'
  | 'AE-4'
  | 'AE-5'
  | 'AE-6'
  | 'AE-7'
  | 'AE-8'
  | 'DT-2'
  | 'AR-1'
  | 'AR-2'
  | 'AR-3'
  | 'AR-4'
  | 'AR-5'
  | 'AR-6'
  | 'AR-8'
  | 'AR-9'
  | 'AR-10'
  | 'AA-1'
  | 'AA-2'
  | 'AA-3'
  | 'AA-4'
  | 'AA-5'
  | 'AA-6'
  | 'AA-7'
  | 'AA-8';

/** State after each action; AR-8 depends on the role. AE-6 leads to Sta3: the user decides on acceptance there. */
const NEXT: Record<Exclude<Action, 'AR-8'>, State> = {
  'AE-1': 'Sta4',
  'AE-2': 'Sta5',
  'AE-3': 'Sta6',
  'AE-4': 'Sta1',
  'AE-5': 'Sta2',
  'AE-6': 'Sta3',
  'AE-7': 'Sta6',
  'AE-8': 'Sta13',
  'DT-2': 'Sta6',
  'AR-1': 'Sta7',
  'AR-2': 'Sta8',
  'AR-3': 'Sta1',
  'AR-4': 'Sta13',
  'AR-5': 'Sta1',
  'AR-6': 'Sta7',
  'AR-9': 'Sta11',
  'AR-10': 'Sta12',
  'AA-1': 'Sta13',
  'AA-2': 'Sta1',
  'AA-3': 'Sta1',
  'AA-4': 'Sta1',
  'AA-5': 'Sta1',
  'AA-6': 'Sta13',
  'AA-7': 'Sta13',
  'AA-8': 'Sta13',
};

type Row = Partial<Record<State, Action>>;

/** Every state with an association or one being made, but Sta2 and Sta13. */
function open(action: Action, exceptions: Row): Row {
  const row: Row = {};
  for (const n of [3, 5, 6, 7, 8, 9, 10, 11, 12]) row[`Sta${n}` as State] = action;
  return { ...row, ...exceptions };
}

const TABLE: Record<Event, Row> = {
  'associate-request': { Sta1: 'AE-1' },
  'transport-confirm': { Sta4: 'AE-2' },
  'associate-ac-pdu': open('AA-8', { Sta2: 'AA-1', Sta5: 'AE-3', Sta13: 'AA-6' }),
  'associate-rj-pdu': open('AA-8', { Sta2: 'AA-1', Sta5: 'AE-4', Sta13: 'AA-6' }),
  'transport-indication': { Sta1: 'AE-5' },
  'associate-rq-pdu': open('AA-8', { Sta2: 'AE-6', Sta13: 'AA-7' }),
  'associate-accept': { Sta3: 'AE-7' },
  'associate-reject': { Sta3: 'AE-8' },
  'p-data-pdu': open('AA-8', { Sta2: 'AA-1', Sta6: 'DT-2', Sta7: 'AR-6', Sta13: 'AA-6' }),
  'release-request': { Sta6: 'AR-1' },
  'release-rq-pdu': open('AA-8', { Sta2: 'AA-1', Sta6: 'AR-2', Sta7: 'AR-8', Sta13: 'AA-6' }),
  'release-rp-pdu': open('AA-8', { Sta2: 'AA-1', Sta7: 'AR-3', Sta10: 'AR-10', Sta11: 'AR-3', Sta13: 'AA-6' }),
  'release-response': { Sta8: 'AR-4', Sta9: 'AR-9', Sta12: 'AR-4' },
  'abort-request': open('AA-1', { Sta2: 'AA-1', Sta4: 'AA-2' }),
  'abort-pdu': open('AA-3', { Sta2: 'AA-2', Sta13: 'AA-2' }),
  'transport-closed': open('AA-4', { Sta2: 'AA-5', Sta4: 'AA-4', Sta13: 'AR-5' }),
  'artim-expired': { Sta2: 'AA-2', Sta13: 'AA-2' },
  'invalid-pdu': open('AA-8', { Sta2: 'AA-1', Sta13: 'AA-7' }),
};

/** Looks up what `event` does in `state`. */
export function transition(
  state: State,
  event: Event,
  role: 'acceptor' | 'requestor',
): { action: Action; next: State } | undefined {
  const action = TABLE[event][state];
  if (action === undefined) return undefined;
  if (action === 'AR-8') return { action, next: role === 'requestor' ? 'Sta9' : 'Sta10' };
  return { action, next: NEXT[action] };
}
