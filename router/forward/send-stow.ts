import { readFileSync } from 'node:fs';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { asLifeboatError, LifeboatError } from '../../contract/errors.ts';
import { buildFileHeader } from '../../storage/format/part10.ts';
import { TransferSyntax } from '../../storage/format/transfer-syntaxes.ts';
import { MultipartWriter, writeTo } from '../dicomweb/multipart-writer.ts';
import { clientTlsOptions } from './client-tls.ts';
import type { ForwardJob, StowDestination } from './forward-types.ts';
import { canConvert, ownSyntax, ReadAhead, type Sources } from './outgoing.ts';
import type { Outcome, Sender, Settle } from './sender.ts';
import { outcomesOf } from './stow-response.ts';

/** The answer may take its time: the server stores a whole request before it speaks. */
const ANSWER_TIMEOUT_MS = 120_000;
const CONNECT_TIMEOUT_MS = 10_000;
const MOST_ANSWER_BYTES = 16 * 1024 * 1024;
/** HTTP statuses that say nothing of an instance: the service does not work now, or not for us. */
const NOT_NOW = new Set([401, 403, 404, 405, 408, 429, 502, 503, 504]);
const REFUSED_SYNTAX = 0xc122;

interface Part {
  job: ForwardJob;
  index: number;
  syntax: string;
}

/** STOW-RS (PS3.18 10.5): several instances a request, streamed as multipart/related, judged one by one from the answer. */
export class StowSender implements Sender {
  readonly #destination: StowDestination;
  readonly #sources: Sources;

  constructor(destination: StowDestination, sources: Sources) {
    this.#destination = destination;
    this.#sources = sources;
  }

  async rest(): Promise<void> {}

  async send(jobs: readonly ForwardJob[], settle: Settle, signal: AbortSignal): Promise<void> {
    const reading = new ReadAhead(this.#sources, jobs);
    const parts = jobs.map((job, index): Part => ({ job, index, syntax: ownSyntax(job) }));
    // What failed before goes alone, so that it takes nothing else with it.
    const fresh = parts.filter(({ job }) => job.attempts === 0);
    const groups = [
      ...(fresh.length > 0 ? [fresh] : []),
      ...parts.filter((part) => !fresh.includes(part)).map((p) => [p]),
    ];
    for (const group of groups) {
      if (signal.aborted || !(await this.#sendGroup(group, reading, settle, signal))) return;
    }
  }

  /** false: nothing more is to be sent now. */
  async #sendGroup(group: readonly Part[], reading: ReadAhead, settle: Settle, signal: AbortSignal): Promise<boolean> {
    const { outcomes, undecided } = await this.#post(group, reading, signal);
    let goOn = true;
    const otherwise: Part[] = [];
    for (const part of group) {
      const outcome = outcomes.get(part.job.id);
      if (!outcome) continue;
      if (this.#mayConvert(part, outcome)) otherwise.push({ ...part, syntax: TransferSyntax.ExplicitVRLittleEndian });
      else goOn = settle(part.job, outcome) && goOn;
    }
    for (const part of [...otherwise, ...(undecided ? group : [])]) {
      if (!goOn || signal.aborted) return false;
      goOn = await this.#sendGroup([part], reading, settle, signal);
    }
    return goOn;
  }

  #mayConvert({ job, syntax }: Part, { outcome, status }: Outcome): boolean {
    return (
      outcome === 'failed' &&
      (status === REFUSED_SYNTAX || status === 0x0122) &&
      this.#destination.transferSyntax === 'transcode' &&
      syntax !== TransferSyntax.ExplicitVRLittleEndian &&
      canConvert(job.instance)
    );
  }

  /** `undecided`: the request was refused as a whole; its instances are to be sent one by one. */
  async #post(
    group: readonly Part[],
    reading: ReadAhead,
    signal: AbortSignal,
  ): Promise<{ outcomes: Map<number, Outcome>; undecided: boolean }> {
    const outcomes = new Map<number, Outcome>();
    const all = (outcome: Outcome) => {
      for (const { job } of group) if (!outcomes.has(job.id)) outcomes.set(job.id, outcome);
      return { outcomes, undecided: false };
    };
    let answer: { status: number; body: Buffer };
    try {
      answer = await this.#exchange(group, reading, outcomes, signal);
    } catch (error) {
      return all(failure(asLifeboatError(error)));
    }
    const open = group.filter(({ job }) => !outcomes.has(job.id));
    if (open.length === 0) return { outcomes, undecided: false };
    const { status, body } = answer;
    const words = `The service answered HTTP ${status}`;
    if (NOT_NOW.has(status)) {
      const code = status === 401 || status === 403 ? 'PEER_REJECTED' : 'PEER_UNREACHABLE';
      return all(failure(new LifeboatError(code, `${words}.`)));
    }
    const told = outcomesOf(
      body,
      open.map(({ job }) => job.instance.sopInstanceUID),
    );
    if (told) {
      for (const { job, syntax } of open) {
        const outcome = told.get(job.instance.sopInstanceUID);
        outcomes.set(
          job.id,
          outcome
            ? noted(outcome, job, syntax)
            : failure(new LifeboatError('PEER_FAILED_STATUS', `${words} and did not name this instance.`)),
        );
      }
      return { outcomes, undecided: false };
    }
    // PS3.18 Table 10.5.3-1: 200 says that all instances were stored.
    if (status === 200) return all({ outcome: 'sent', status: 0, message: 'sent (HTTP 200 without a list)' });
    if (status >= 400 && status < 500) {
      if (group.length > 1) return { outcomes, undecided: true };
      return all(failure(new LifeboatError('NOT_ACCEPTABLE', `${words}.`)));
    }
    return all(failure(new LifeboatError('PEER_FAILED_STATUS', `${words}.`)));
  }

  async #exchange(
    group: readonly Part[],
    reading: ReadAhead,
    outcomes: Map<number, Outcome>,
    signal: AbortSignal,
  ): Promise<{ status: number; body: Buffer }> {
    const { url, tls } = this.#destination;
    const target = new URL(`${url.replace(/\/$/, '')}/studies`);
    const boundaryHolder = { writer: undefined as MultipartWriter | undefined };
    const begin = target.protocol === 'https:' ? requestHttps : requestHttp;
    const request = begin(target, {
      method: 'POST',
      signal,
      headers: { Accept: 'application/dicom+json', ...this.#authorization() },
      ...(tls && clientTlsOptions(tls, target.hostname)),
    });
    const writer = new MultipartWriter(request);
    boundaryHolder.writer = writer;
    request.setHeader('Content-Type', writer.contentType('application/dicom'));
    let connected = false;
    const slow = setTimeout(
      () => request.destroy(new Error(`no connection within ${CONNECT_TIMEOUT_MS / 1000} s`)),
      CONNECT_TIMEOUT_MS,
    );
    request.once('socket', (socket) => {
      const done = () => {
        connected = true;
        clearTimeout(slow);
      };
      if (socket.connecting) socket.once(target.protocol === 'https:' ? 'secureConnect' : 'connect', done);
      else done();
    });
    let failed: Error | undefined;
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve);
      request.once('error', (error) => {
        failed = error;
        reject(error);
      });
    });
    answered.catch(() => undefined);
    try {
      for (const part of group) {
        // An answer before the end (401, 413) or a broken line: nobody reads the rest.
        if (failed || request.destroyed || (await Promise.race([answered, undefined]))) break;
        await this.#writePart(writer, request, part, reading, outcomes);
      }
      if (!request.destroyed) await writer.end();
      request.setTimeout(ANSWER_TIMEOUT_MS, () => request.destroy(new Error('no answer in time')));
      const response = await answered;
      return { status: response.statusCode ?? 0, body: await bodyOf(response) };
    } catch (error) {
      request.destroy();
      // The broken pipe of a server that answered early is not what is to be told.
      const response = await Promise.race([answered.catch(() => undefined), undefined]);
      if (response)
        return { status: response.statusCode ?? 0, body: await bodyOf(response).catch(() => Buffer.alloc(0)) };
      if (error instanceof LifeboatError) throw error;
      const reason = (failed ?? (error as Error)).message;
      throw new LifeboatError(
        connected ? 'DIMSE_CONNECTION_LOST' : 'PEER_UNREACHABLE',
        connected ? `The line to the service broke: ${reason}.` : `: ${reason}.`,
        { cause: error },
      );
    } finally {
      clearTimeout(slow);
    }
  }

  /** A data set that cannot be read is judged here, and the request goes on without it. */
  async #writePart(
    writer: MultipartWriter,
    request: Parameters<typeof writeTo>[0],
    { job, index, syntax }: Part,
    reading: ReadAhead,
    outcomes: Map<number, Outcome>,
  ): Promise<void> {
    const { sopClassUID, sopInstanceUID } = job.instance;
    const dataSet = reading.dataSet(index, syntax);
    let first: IteratorResult<Uint8Array, void>;
    try {
      first = await dataSet.next();
    } catch (error) {
      outcomes.set(job.id, failure(asLifeboatError(error)));
      return;
    }
    // The file says its transfer syntax itself; Orthanc 1.10 passes over parts whose type has a parameter, without a word.
    await writer.begin({ 'Content-Type': 'application/dicom' });
    await writeTo(request, buildFileHeader({ sopClassUID, sopInstanceUID, transferSyntaxUID: syntax }));
    if (!first.done) await writeTo(request, first.value);
    for await (const chunk of dataSet) await writeTo(request, chunk);
  }

  #authorization(): Record<string, string> {
    const { tokenFile, basic } = this.#destination;
    if (tokenFile) return { Authorization: `Bearer ${secret(tokenFile)}` };
    if (!basic) return {};
    const both = Buffer.from(`${basic.user}:${secret(basic.passwordFile)}`, 'utf8');
    return { Authorization: `Basic ${both.toString('base64')}` };
  }
}

function secret(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new LifeboatError('PEER_UNREACHABLE', `: the file ${file} cannot be read.`, { cause: error });
  }
}

async function bodyOf(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_ANSWER_BYTES) {
      response.destroy();
      break;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function noted(outcome: Outcome, job: ForwardJob, syntax: string): Outcome {
  if (outcome.outcome === 'failed' || syntax === job.instance.transferSyntaxUID) return outcome;
  return { ...outcome, message: `${outcome.message}, as ${syntax}` };
}

function failure(error: LifeboatError): Outcome {
  return { outcome: 'failed', message: error.message, error };
}
