import { CommandField, type CommandSet, NO_DATA_SET, Status } from './command-set.ts';
import { VERIFICATION } from './sop-classes.ts';

/** C-ECHO-RSP (PS3.7 9.3.5.2). */
export function echoResponse(request: CommandSet): CommandSet {
  return {
    affectedSOPClassUID: request.affectedSOPClassUID ?? VERIFICATION,
    commandField: CommandField.CEchoRSP,
    messageIDBeingRespondedTo: request.messageID ?? 0,
    commandDataSetType: NO_DATA_SET,
    status: Status.Success,
  };
}
