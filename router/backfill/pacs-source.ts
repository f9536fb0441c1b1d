import { readFileSync } from 'node:fs';
import { LifeboatError } from '../../contract/errors.ts';
import type { DicomJson } from '../../storage/format/manifest.ts';
import type { Receiver } from '../../storage/receive-types.ts';
import type { Config } from '../config.ts';
import type { PeerAddress } from '../dimse/association-requestor.ts';
import { find, type QueryKeys } from '../dimse/query-scu.ts';
import { get } from '../dimse/retrieve-scu.ts';
import { clientTlsOptions } from '../forward/client-tls.ts';
import { fetchedFrom, nameOf } from '../forward/forward-types.ts';
import type { Forwarding } from '../forward/forwarding.ts';
import { DimseRemote, studyOf } from '../reconcile/dimse-remote.ts';
import { QidoRemote } from '../reconcile/qido-remote.ts';
import type { RemoteArchive, RemoteStudy } from '../reconcile/remote-archive.ts';
import { wadoFetch } from './wado-fetch.ts';

/** A study as the PACS describes it, with what is needed to choose among studies. */
export interface PacsStudy extends RemoteStudy {
  modalities: string[];
  description: string;
  issuerOfPatientID: string;
}

/** The main PACS as it is asked for its history. */
export interface PacsSource {
  remote: RemoteArchive;
  /** @param modality '' for all @throws PEER_FAILED_STATUS when the answer is not complete */
  studiesOn(day: string, modality: string, signal: AbortSignal): Promise<PacsStudy[]>;
  /** Studies of one patient, by exactly this Patient ID. */
  studiesOfPatient(patientID: string, issuer: string, signal: AbortSignal): Promise<PacsStudy[]>;
}

const PAGE = 200;
const QIDO_TIMEOUT_MS = 60_000;
/** Keys that a study is described by, beyond those that are always asked for. */
const DESCRIBING: QueryKeys = { '00081030': '', '00100021': '' };

function pacsStudyOf(row: DicomJson): PacsStudy {
  const text = (tag: string) => String(row[tag]?.Value?.[0] ?? '').trim();
  return {
    ...studyOf(row),
    modalities: (row['00080061']?.Value ?? []).map((value) => String(value ?? '').trim()).filter(Boolean),
    description: text('00081030'),
    issuerOfPatientID: text('00100021'),
  };
}

/** Wild cards in an ID would ask for other people's studies. */
const isPlainID = (patientID: string) => patientID !== '' && !/[*?\\]/.test(patientID);

function ofPatient(studies: PacsStudy[], patientID: string, issuer: string): PacsStudy[] {
  return studies.filter(
    (study) =>
      study.patientID === patientID &&
      (issuer === '' || study.issuerOfPatientID === '' || study.issuerOfPatientID === issuer),
  );
}

/** The main PACS as a DICOM peer, with the TLS of the forwarding to it. */
function peerOf({ pacs, aeTitle }: Pick<Config, 'pacs' | 'aeTitle'>, forwarding: Forwarding): PeerAddress | undefined {
  if (!pacs) return undefined;
  const known = forwarding.destinations.find((one) => one.name === forwarding.destinationAt(pacs));
  const tls = known?.kind === 'dimse' ? known.tls : undefined;
  return {
    host: pacs.host,
    port: pacs.port,
    calledAE: pacs.aeTitle,
    callingAE: aeTitle,
    ...(tls && { tls: clientTlsOptions(tls, pacs.host) }),
  };
}

/** By C-FIND and C-MOVE; undefined when no PACS is configured. */
export function dimseSource(config: Pick<Config, 'pacs' | 'aeTitle'>, forwarding: Forwarding): PacsSource | undefined {
  const { pacs, aeTitle } = config;
  const peer = peerOf(config, forwarding);
  if (!pacs || !peer) return undefined;
  const ask = async (keys: QueryKeys, signal: AbortSignal) => {
    const studies: PacsStudy[] = [];
    for await (const row of find(peer, 'STUDY', { ...DESCRIBING, ...keys }, { signal })) studies.push(pacsStudyOf(row));
    signal.throwIfAborted();
    return studies;
  };
  return {
    remote: new DimseRemote(nameOf(pacs), peer, { moveTo: aeTitle }),
    studiesOn: (day, modality, signal) => ask({ '00080020': day, ...(modality && { '00080061': modality }) }, signal),
    studiesOfPatient: async (patientID, issuer, signal) =>
      isPlainID(patientID) ? ofPatient(await ask({ '00100020': patientID }, signal), patientID, issuer) : [],
  };
}

/** By C-FIND and C-GET, for which the PACS need not know where we are; undefined when no PACS is configured. */
export function getSource(
  config: Pick<Config, 'pacs' | 'aeTitle'>,
  forwarding: Forwarding,
  receiver: Receiver,
): PacsSource | undefined {
  const source = dimseSource(config, forwarding);
  const peer = peerOf(config, forwarding);
  if (!source || !peer) return undefined;
  const { remote } = source;
  const fetch: RemoteArchive['fetch'] = async (uid, instances, signal) => {
    const wanted = new Set(instances.map(({ sopInstanceUID }) => sopInstanceUID));
    for (const seriesInstanceUID of new Set(instances.map((one) => one.seriesInstanceUID))) {
      const keys = { '0020000D': uid, '0020000E': seriesInstanceUID };
      const classes = new Map<string, string>();
      for await (const row of find(peer, 'IMAGE', keys, { signal }))
        classes.set(String(row['00080018']?.Value?.[0] ?? ''), String(row['00080016']?.Value?.[0] ?? ''));
      const uids = [...classes.keys()].filter((one) => wanted.has(one));
      const sopClasses = [...new Set(uids.map((one) => classes.get(one)!))].filter(Boolean);
      for await (const progress of get(peer, 'IMAGE', { ...keys, '00080018': uids }, { sopClasses, receiver, signal }))
        if ('failedUIDs' in progress && (progress.failed ?? 0) > 0)
          throw new LifeboatError('PEER_FAILED_STATUS', `: ${progress.failed} images were not sent.`);
    }
  };
  return {
    ...source,
    remote: {
      name: remote.name,
      studiesOn: (day, signal) => remote.studiesOn(day, signal),
      study: (uid, signal) => remote.study(uid, signal),
      list: (uid, ours, signal) => remote.list(uid, ours, signal),
      fetch,
    },
  };
}

/** The main PACS as it is called here: as a destination, as a DICOM peer, or by its address. */
export function pacsName(
  { pacs, pacsWeb }: Pick<Config, 'pacs' | 'pacsWeb'>,
  forwarding: Pick<Forwarding, 'destinationAt'> | undefined,
): string {
  if (!pacs) return pacsWeb?.url ?? '';
  return forwarding?.destinationAt(pacs) ?? nameOf(pacs);
}

/** By QIDO-RS and WADO-RS; undefined when LIFEBOAT_PACS_DICOMWEB is not given. */
export function webSource(
  config: Pick<Config, 'pacs' | 'pacsWeb'>,
  forwarding: Forwarding,
  receiver: Receiver,
): PacsSource | undefined {
  const { pacsWeb } = config;
  if (!pacsWeb) return undefined;
  // What comes from the PACS is not passed on to it again.
  const name = pacsName(config, forwarding);
  const headers = () => authorization(pacsWeb.tokenFile);
  const source = { via: 'import', user: fetchedFrom(name) } as const;
  const peer = { url: pacsWeb.url, headers };
  const lister = new QidoRemote(name, peer);
  const remote: RemoteArchive = {
    name,
    studiesOn: (day, signal) => lister.studiesOn(day, signal),
    study: (uid, signal) => lister.study(uid, signal),
    list: (uid, ours, signal) => lister.list(uid, ours, signal),
    fetch: (uid, instances, signal) => wadoFetch(peer, uid, instances, { receiver, source }, signal),
  };
  const ask = async (query: Record<string, string>, signal: AbortSignal) => {
    const studies = new Map<string, PacsStudy>();
    for (;;) {
      const parameters = new URLSearchParams({ ...query, limit: String(PAGE), offset: String(studies.size) });
      for (const field of ['00081030', '00201208', '00100021']) parameters.append('includefield', field);
      const answer = await fetch(`${pacsWeb.url}/studies?${parameters}`, {
        headers: { ...headers(), Accept: 'application/dicom+json' },
        signal: AbortSignal.any([signal, AbortSignal.timeout(QIDO_TIMEOUT_MS)]),
      }).catch((cause: unknown) => {
        throw new LifeboatError('PEER_UNREACHABLE', ': its DICOMweb service does not answer.', { cause });
      });
      if (!answer.ok) {
        await answer.body?.cancel();
        throw new LifeboatError('PEER_FAILED_STATUS', `: QIDO-RS status ${answer.status}.`);
      }
      const before = studies.size;
      const rows = answer.status === 204 ? [] : ((await answer.json()) as DicomJson[]);
      for (const row of rows) {
        const study = pacsStudyOf(row);
        studies.set(study.studyInstanceUID, study);
      }
      if (rows.length < PAGE || studies.size === before) return [...studies.values()];
    }
  };
  return {
    remote,
    studiesOn: (day, modality, signal) =>
      ask({ StudyDate: day, ...(modality && { ModalitiesInStudy: modality }) }, signal),
    studiesOfPatient: async (patientID, issuer, signal) =>
      isPlainID(patientID) ? ofPatient(await ask({ PatientID: patientID }, signal), patientID, issuer) : [],
  };
}

export function authorization(tokenFile: string | undefined): Record<string, string> {
  if (!tokenFile) return {};
  try {
    return { Authorization: `Bearer ${readFileSync(tokenFile, 'utf8').trim()}` };
  } catch (cause) {
    throw new LifeboatError('CONFIG_INVALID', `LIFEBOAT_PACS_TOKEN_FILE ${tokenFile} cannot be read.`, { cause });
  }
}
