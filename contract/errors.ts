/**
 * Every error a user, a peer or a client can meet. Codes are stable: scripts and hospital runbooks may match on them.
 * Add a row here, never an ad-hoc string elsewhere. `dimse` is the C-STORE status (PS3.4 Annex B, PS3.7 Annex C),
 * `http` the HTTP status.
 */
export const ERRORS = {
  // receiving
  SPOOL_FULL: {
    http: 507,
    dimse: 0xa700,
    text: 'The router has no room left to keep this image; free disk space and send again.',
  },
  SPOOL_UNWRITABLE: {
    http: 503,
    dimse: 0xa700,
    text: 'The router could not write this image to its disk; send again and tell IT.',
  },
  SPOOL_UNREADABLE: {
    http: 500,
    dimse: 0x0110,
    text: 'Files found in the spool at the start cannot be read; they are tried again.',
  },
  SOP_CLASS_MISMATCH: {
    http: 409,
    dimse: 0xa900,
    text: 'SOP Class UID in the data set differs from the one announced.',
  },
  SOP_INSTANCE_MISMATCH: {
    http: 409,
    dimse: 0xa900,
    text: 'SOP Instance UID in the data set differs from the one announced.',
  },
  STUDY_MISMATCH: {
    http: 409,
    dimse: 0xa900,
    text: 'Study Instance UID in the data set differs from the one in the address.',
  },
  DATASET_UNREADABLE: { http: 400, dimse: 0xc000, text: 'The data set cannot be understood as DICOM.' },
  DATASET_TRUNCATED: { http: 400, dimse: 0xc000, text: 'The data set ends before it should.' },
  DATASET_MISSING_UID: { http: 400, dimse: 0xc000, text: 'The data set lacks a Study, Series or SOP Instance UID.' },
  DATASET_BAD_UID: {
    http: 400,
    dimse: 0xc000,
    text: 'A Study, Series or SOP Instance UID has characters or a length that no UID can have.',
  },
  DATASET_BOMB: { http: 413, dimse: 0xc000, text: 'The deflated data set expands beyond any plausible size.' },
  TRANSFER_SYNTAX_UNKNOWN: { http: 415, dimse: 0x0122, text: 'The transfer syntax is not one this archive can read.' },
  NOT_DICOM: { http: 400, dimse: 0xc000, text: 'This is not a DICOM file.' },
  // DIMSE associations (for the refusal page; a peer sees A-ASSOCIATE-RJ or A-ABORT)
  DIMSE_PROTOCOL: { http: 400, dimse: 0x0110, text: 'The peer does not speak DICOM as the standard says.' },
  DIMSE_TLS: { http: 400, dimse: 0x0110, text: 'The peer and the router could not agree on TLS.' },
  DIMSE_TIMEOUT: { http: 504, dimse: 0x0110, text: 'The peer fell silent; the association was closed.' },
  DIMSE_CONNECTION_LOST: { http: 502, dimse: 0x0110, text: 'The line to the peer broke.' },
  DIMSE_COMMAND_INVALID: { http: 400, dimse: 0xc000, text: 'The C-STORE request lacks something it must have.' },
  CALLING_AE_NOT_ALLOWED: { http: 403, dimse: 0x0124, text: 'This sender is not on the list of allowed AE titles.' },
  CALLED_AE_UNKNOWN: { http: 404, dimse: 0x0124, text: 'The sender called an AE title that is not ours.' },
  ASSOCIATION_REJECTED: { http: 400, dimse: 0x0110, text: 'The association request cannot be accepted.' },
  ASSOCIATION_LIMIT: { http: 503, dimse: 0xa700, text: 'Too many associations at once; the sender may try again.' },
  CONTEXTS_REJECTED: { http: 415, dimse: 0x0122, text: 'None of the offered presentation contexts can be kept here.' },
  PEER_UNREACHABLE: { http: 502, dimse: 0x0110, text: 'The peer cannot be reached.' },
  PEER_REJECTED: { http: 502, dimse: 0x0110, text: 'The peer does not accept our association.' },
  PEER_ABORTED: { http: 502, dimse: 0x0110, text: 'The peer aborted the association.' },
  PEER_NO_CONTEXT: { http: 502, dimse: 0x0110, text: 'The peer takes neither this kind of object nor its encoding.' },
  PEER_FAILED_STATUS: { http: 502, dimse: 0x0110, text: 'The peer answered with a failure.' },
  // store and archive
  STORE_UNAVAILABLE: {
    http: 503,
    dimse: 0xa700,
    text: 'The object store does not answer; received images wait safely in the spool.',
  },
  OBJECT_NOT_FOUND: { http: 404, dimse: 0x0112, text: 'The object is not in the store.' },
  OBJECT_DAMAGED: {
    http: 500,
    dimse: 0x0110,
    text: 'The object in the store does not match its recorded hash or size.',
  },
  MANIFEST_DAMAGED: { http: 500, dimse: 0x0110, text: 'A manifest segment in the store cannot be read.' },
  NOT_FOUND: { http: 404, dimse: 0x0112, text: 'No such study, series, instance or frame here.' },
  CATALOGUE_UNAVAILABLE: { http: 503, dimse: 0x0110, text: 'The catalogue does not answer.' },
  // DICOMweb and API
  BAD_REQUEST: { http: 400, dimse: 0x0110, text: 'The request cannot be understood.' },
  NOT_ACCEPTABLE: {
    http: 406,
    dimse: 0x0110,
    text: 'None of the accepted media types can be produced for this object.',
  },
  UNSUPPORTED_MEDIA_TYPE: { http: 415, dimse: 0x0110, text: 'The content type of the request is not supported.' },
  PAYLOAD_TOO_LARGE: { http: 413, dimse: 0x0110, text: 'The request body is larger than it may be.' },
  CANNOT_RENDER: { http: 406, dimse: 0x0110, text: 'This object has no picture that can be rendered.' },
  RANGE_NOT_SATISFIABLE: { http: 416, dimse: 0x0110, text: 'The requested byte range is outside the object.' },
  // access
  UNAUTHENTICATED: { http: 401, dimse: 0x0124, text: 'Sign in first.' },
  FORBIDDEN: { http: 403, dimse: 0x0124, text: 'Your role does not allow this.' },
  PASSWORD_CHANGE_REQUIRED: {
    http: 403,
    dimse: 0x0124,
    text: 'Choose a password of your own first; until then nothing else is possible.',
  },
  BAD_CREDENTIALS: { http: 401, dimse: 0x0124, text: 'User name or password is wrong.' },
  LOCKED_OUT: { http: 429, dimse: 0x0124, text: 'Too many wrong passwords; try again later or ask an administrator.' },
  CSRF: { http: 403, dimse: 0x0124, text: 'The request did not come from this site; reload the page and try again.' },
  SIGNATURE_INVALID: { http: 403, dimse: 0x0124, text: 'The link is not valid for this object.' },
  SIGNATURE_EXPIRED: { http: 403, dimse: 0x0124, text: 'The link has expired; reload the page.' },
  BUSY: { http: 503, dimse: 0xa700, text: 'The router is busy with other sign-ins; try again in a few seconds.' },
  WEAK_PASSWORD: {
    http: 400,
    dimse: 0x0110,
    text: 'A password needs at least 10 characters and may not be the user name.',
  },
  CONFLICT: { http: 409, dimse: 0x0110, text: 'That already exists or was changed meanwhile.' },
  // configuration and start
  CONFIG_INVALID: { http: 500, dimse: 0x0110, text: 'A setting is wrong.' },
  PORT_IN_USE: { http: 500, dimse: 0x0110, text: 'The port is in use by another program.' },
  INTERNAL: { http: 500, dimse: 0x0110, text: 'Something unexpected went wrong; the log has the details.' },
} as const satisfies Record<string, { http: number; dimse: number; text: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** An error with a stable code and one sentence its reader can act on. */
export class LifeboatError extends Error {
  readonly code: ErrorCode;
  readonly http: number;
  readonly dimse: number;
  /** @param detail replaces or, when it starts with ':', extends the catalogue's sentence. Never put patient names in it. */
  constructor(code: ErrorCode, detail?: string, options?: { cause?: unknown }) {
    const row = ERRORS[code];
    super(
      detail === undefined ? row.text : detail.startsWith(':') ? `${row.text.replace(/\.$/, '')}${detail}` : detail,
      options,
    );
    this.name = 'LifeboatError';
    this.code = code;
    this.http = row.http;
    this.dimse = row.dimse;
  }
}

/** Narrow anything thrown to a LifeboatError; unknown ones become INTERNAL with the cause kept. */
export function asLifeboatError(error: unknown): LifeboatError {
  if (error instanceof LifeboatError) return error;
  return new LifeboatError('INTERNAL', undefined, { cause: error });
}
