/**
 * For comparison only: a receiver made of dcmjs-dimse's streaming store, which writes to a folder and does not sync.
 * `node dcmjs-dimse-receive.ts PORT FOLDER`
 */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import dcmjsDimse from 'dcmjs-dimse';

const { Scp, Server, Dataset, constants, responses } = dcmjsDimse;
const [port, folder] = process.argv.slice(2);
let next = 0;

class StreamingScp extends Scp {
  override associationRequested(association: dcmjsDimse.association.Association): void {
    for (const { id, context } of association.getPresentationContexts() as Array<{ id: number; context: unknown }>) {
      const proposed = association.getPresentationContext(id) ?? context;
      const offered = proposed.getTransferSyntaxUids();
      const wanted = ['1.2.840.10008.1.2.1', '1.2.840.10008.1.2'].find((uid) => offered.includes(uid));
      if (wanted) proposed.setResult(constants.PresentationContextResult.Accept, wanted);
      else proposed.setResult(constants.PresentationContextResult.RejectTransferSyntaxesNotSupported);
    }
    this.sendAssociationAccept();
  }
  override createStoreWritableStream() {
    return createWriteStream(join(folder!, `${next++}.dcm`));
  }
  override createDatasetFromStoreWritableStream(
    _writable: unknown,
    _context: unknown,
    callback: (dataset: InstanceType<typeof Dataset>) => void,
  ): void {
    callback(new Dataset());
  }
  override cEchoRequest(
    request: dcmjsDimse.requests.CEchoRequest,
    callback: (response: dcmjsDimse.responses.CEchoResponse) => void,
  ): void {
    const response = responses.CEchoResponse.fromRequest(request);
    response.setStatus(constants.Status.Success);
    callback(response);
  }
  override cStoreRequest(
    request: dcmjsDimse.requests.CStoreRequest,
    callback: (response: dcmjsDimse.responses.CStoreResponse) => void,
  ): void {
    const response = responses.CStoreResponse.fromRequest(request);
    response.setStatus(constants.Status.Success);
    callback(response);
  }
  override associationReleaseRequested(): void {
    this.sendAssociationReleaseResponse();
  }
}

new Server(StreamingScp).listen(Number(port));
