import { characterSet } from './format/charset.ts';
import { joinPersonName, type PersonName } from './format/person-name.ts';
import { type CapturedValues, captured, TAG } from './format/scan-types.ts';
import { elementFromBytes } from './format/values.ts';

/** What receiving read of the patient, undecoded: each value as Latin-1, so that nothing is decoded while a sender waits. */
export interface RawIdentity {
  characterSet: string;
  patientName: string;
  patientID: string;
  modality: string;
}

export function rawIdentity(values: CapturedValues): RawIdentity {
  return {
    characterSet: captured(values, TAG.specificCharacterSet),
    patientName: captured(values, TAG.patientName),
    patientID: captured(values, TAG.patientID),
    modality: captured(values, TAG.modality),
  };
}

/** What the list of waiting studies needs of an acknowledged instance. */
export interface WaitingInstance {
  readonly studyInstanceUID: string;
  readonly seriesInstanceUID: string;
  readonly receivedAt: string;
  readonly source: { callingAE?: string };
  readonly identity: RawIdentity;
}

/** A study of which acknowledged instances are not in the store yet. */
export interface WaitingStudy {
  /** DICOM PN, decoded; '' when the images name nobody. */
  patientName: string;
  patientID: string;
  callingAEs: string[];
  firstReceivedAt: string;
  lastReceivedAt: string;
  /** By Series Instance UID. */
  series: Map<string, { modality: string; instances: number }>;
}

/** Groups by Study Instance UID. Patient and modality are those of the first instance of the study and series. */
export function waitingStudies(instances: Iterable<WaitingInstance>): Map<string, WaitingStudy> {
  const studies = new Map<string, WaitingStudy>();
  for (const { studyInstanceUID, seriesInstanceUID, receivedAt, source, identity } of instances) {
    let study = studies.get(studyInstanceUID);
    if (!study) {
      study = {
        ...patientOf(identity),
        callingAEs: [],
        firstReceivedAt: receivedAt,
        lastReceivedAt: '',
        series: new Map(),
      };
      studies.set(studyInstanceUID, study);
    }
    if (source.callingAE && !study.callingAEs.includes(source.callingAE)) study.callingAEs.push(source.callingAE);
    if (receivedAt < study.firstReceivedAt) study.firstReceivedAt = receivedAt;
    if (receivedAt > study.lastReceivedAt) study.lastReceivedAt = receivedAt;
    const series = study.series.get(seriesInstanceUID);
    if (series) series.instances++;
    else study.series.set(seriesInstanceUID, { modality: identity.modality, instances: 1 });
  }
  return studies;
}

function patientOf(identity: RawIdentity): { patientName: string; patientID: string } {
  const charset = characterSet(identity.characterSet.split('\\'));
  const first = (vr: string, value: string) =>
    elementFromBytes(vr, Buffer.from(value, 'latin1'), true, charset).Value?.[0] ?? '';
  const name = first('PN', identity.patientName);
  return {
    patientName: name === '' ? '' : joinPersonName(name as PersonName),
    patientID: String(first('LO', identity.patientID)),
  };
}
