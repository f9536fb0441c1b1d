/** What a link of another system asks for, where it does not name Study Instance UIDs. */
export interface StudyLink {
  accessionNumber: string;
  patientID: string;
  /** Issuer of the patient ID; '': any. */
  issuer: string;
  /** Study dates, YYYYMMDD; '': open. */
  from: string;
  to: string;
  /** So many of the newest studies; 0: a person chooses. */
  newest: number;
}

/** Date of an XML dateTime (IHE) or a DICOM DA; '' where it is neither. */
function dateOf(value: string): string {
  const match = /^(\d{4})-?(\d\d)-?(\d\d)/.exec(value);
  return match ? `${match[1]}${match[2]}${match[3]}` : '';
}

/**
 * Reads a link by accession number or patient ID: our own (`AccessionNumber`, `PatientID`, `IssuerOfPatientID`) or IHE
 * Invoke Image Display (RAD TF-2, RAD-106: `requestType`, `accessionNumber`, `patientID` as `ID^^^ISSUER`,
 * `mostRecentResults`, `lowerDateTime`, `upperDateTime`). Null where the query is neither.
 */
export function studyLinkOf(query: URLSearchParams): StudyLink | null {
  const given = new Map([...query].map(([name, value]) => [name.toLowerCase(), value.trim()]));
  const get = (name: string) => given.get(name.toLowerCase()) ?? '';
  const [patientID = '', , , assigner = ''] = get('patientID').split('^');
  const accessionNumber = get('accessionNumber').split(/[\\,]/)[0] ?? '';
  if (!accessionNumber && !patientID) return null;
  const newest = Number.parseInt(get('mostRecentResults'), 10);
  return {
    // Of a patient's studies those of the dates are wanted, whatever their number (requestType=PATIENT).
    accessionNumber: get('requestType').toUpperCase() === 'PATIENT' ? '' : accessionNumber,
    patientID,
    issuer: get('issuerOfPatientID') || (assigner.split('&')[0] ?? ''),
    from: dateOf(get('lowerDateTime')),
    to: dateOf(get('upperDateTime')),
    newest: Number.isNaN(newest) ? 0 : Math.max(0, newest),
  };
}
