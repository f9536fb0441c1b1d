import { LifeboatError } from '../../contract/errors.ts';
import type { DicomJson, DicomJsonElement } from '../../storage/format/manifest.ts';
import { AssociationRequestor, type PeerAddress } from '../dimse/association-requestor.ts';
import { CommandField, Status } from '../dimse/command-set.ts';
import { readShortDataSet, SHORT_DATA_SET_SYNTAXES, writeShortDataSet } from '../dimse/data-set-json.ts';
import { STEPS } from './worklist-fields.ts';
import type { AskedSpan } from './worklist-store.ts';

/** Modality Worklist Information Model - FIND (PS3.4 K.6.1.3). */
export const MODALITY_WORKLIST_FIND = '1.2.840.10008.5.1.4.31';

/** Return keys of an item, and of its step: everything that a scanner may ask for (PS3.4 Table K.6-1). */
const ITEM_KEYS =
  '00080050:SH 00080090:PN 00081110:SQ 00081120:SQ 00100010:PN 00100020:LO 00100021:LO 00100030:DA 00100040:CS ' +
  '00101020:DS 00101030:DS 00102000:LO 00102110:LO 001021C0:US 0020000D:UI 00321032:PN 00321033:LO 00321060:LO ' +
  '00321064:SQ 00380010:LO 00380050:LO 00380300:LO 00380500:LO 00401001:SH 00401002:LO 00401003:SH 00401004:LO ' +
  '00401008:LO 00401400:LT 00403001:LO';
const STEP_KEYS =
  '00080060:CS 00321070:LO 00400001:AE 00400002:DA 00400003:TM 00400004:DA 00400005:TM 00400006:PN 00400007:LO ' +
  '00400008:SQ 00400009:SH 00400010:SH 00400011:SH 00400012:LO 00400020:CS 00400400:LT';

/** More cannot be the list of a hospital: the RIS misunderstood the question. */
const MOST_ITEMS = 50_000;

function keys(text: string): DicomJson {
  return Object.fromEntries(
    text
      .split(' ')
      .map((key) => key.split(':'))
      .map(([tag, vr]) => [tag!, { vr: vr! }]),
  );
}

/**
 * Asks the RIS for all steps that begin within a span of days (C-FIND, PS3.4 K.4.1), whatever their modality or scanner.
 * @throws what `find` throws for the line, and PEER_FAILED_STATUS when the answer is not complete
 */
export async function askWorklist(peer: PeerAddress, { from, to }: AskedSpan): Promise<DicomJson[]> {
  const association = await AssociationRequestor.open(peer, [
    { abstractSyntax: MODALITY_WORKLIST_FIND, transferSyntaxes: [...SHORT_DATA_SET_SYNTAXES] },
  ]);
  const items: DicomJson[] = [];
  try {
    const context = association.contextFor(MODALITY_WORKLIST_FIND);
    if (!context) throw new LifeboatError('PEER_NO_CONTEXT', 'The RIS does not answer worklist queries.');
    const day: DicomJsonElement = { vr: 'DA', Value: [`${from}-${to}`] };
    const step = { ...keys(STEP_KEYS), '00400002': day };
    const identifier = { ...keys(ITEM_KEYS), [STEPS]: { vr: 'SQ', Value: [step] } };
    const command = { commandField: CommandField.CFindRQ, affectedSOPClassUID: MODALITY_WORKLIST_FIND, priority: 0 };
    const question = writeShortDataSet(identifier, context.transferSyntax);
    for await (const { command: answer, dataSet } of association.operate(context, command, question)) {
      const { status = Status.Success, errorComment } = answer;
      if (status === Status.Pending || status === Status.PendingKeysUnsupported) {
        if (dataSet) items.push(readShortDataSet(dataSet, context.transferSyntax));
        if (items.length > MOST_ITEMS)
          throw new LifeboatError('PEER_FAILED_STATUS', `: more than ${MOST_ITEMS} worklist items.`);
      } else if (status !== Status.Success) {
        const shown = `0x${status.toString(16).padStart(4, '0').toUpperCase()}`;
        throw new LifeboatError('PEER_FAILED_STATUS', `: worklist status ${shown} ${errorComment ?? ''}`.trimEnd());
      }
    }
    return items;
  } finally {
    if (!association.over) await association.release();
  }
}
