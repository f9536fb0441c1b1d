import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contents } from '../support/dicomweb.ts';
import { realFiles } from '../support/files.ts';
import { startRouter, type TestRouter } from '../support/router.ts';

/** What the tests use of dicomweb-client, which comes without types. */
interface Client {
  storeInstances(options: { datasets: ArrayBuffer[]; studyInstanceUID?: string }): Promise<unknown>;
  searchForStudies(options?: { queryParams?: Record<string, string | number> }): Promise<Json[]>;
  searchForSeries(options: { studyInstanceUID: string }): Promise<Json[]>;
  searchForInstances(options: { studyInstanceUID: string; seriesInstanceUID?: string }): Promise<Json[]>;
  retrieveStudyMetadata(options: { studyInstanceUID: string }): Promise<Json[]>;
  retrieveSeriesMetadata(options: Series): Promise<Json[]>;
  retrieveInstanceMetadata(options: Instance): Promise<Json>;
  retrieveStudy(options: { studyInstanceUID: string }): Promise<ArrayBuffer[]>;
  retrieveSeries(options: Series): Promise<ArrayBuffer[]>;
  retrieveInstance(options: Instance): Promise<ArrayBuffer>;
  retrieveInstanceFrames(options: Instance & { frameNumbers: number[] }): Promise<ArrayBuffer[]>;
  retrieveInstanceRendered(options: Instance & { mediaTypes?: { mediaType: string }[] }): Promise<ArrayBuffer>;
  retrieveInstanceFramesRendered(
    options: Instance & { frameNumbers: number[]; mediaTypes?: { mediaType: string }[] },
  ): Promise<ArrayBuffer>;
  retrieveBulkData(options: { BulkDataURI: string }): Promise<ArrayBuffer[]>;
}
type Json = Record<string, { Value?: unknown[]; BulkDataURI?: string }>;
type Series = { studyInstanceUID: string; seriesInstanceUID: string };
type Instance = Series & { sopInstanceUID: string };

const files = realFiles()
  .filter((file) => /CT_small\.dcm$|MR_small\.dcm$|examples_ybr_color\.dcm$/i.test(file.name))
  .slice(0, 3);

describe.skipIf(files.length === 0)('dicomweb-client', () => {
  let router: TestRouter;
  let client: Client;
  let instance: Instance;

  beforeAll(async () => {
    router = await startRouter();
    const load = createRequire(import.meta.url);
    const { api } = load('dicomweb-client') as { api: { DICOMwebClient: new (options: object) => Client } };
    // The library speaks XMLHttpRequest; Node has none.
    Object.assign(globalThis, { XMLHttpRequest: FetchXhr });
    client = new api.DICOMwebClient({ url: `${router.url}/dicom-web`, headers: { Authorization: router.basic } });
    const datasets = (await contents(files.map((file) => file.path))).map((bytes) => new Uint8Array(bytes).buffer);
    await client.storeInstances({ datasets });
    await router.router.context.archive.flush();
    const [row] = await client.searchForStudies({ queryParams: { limit: 1 } });
    const studyInstanceUID = String(row!['0020000D']!.Value![0]);
    const [found] = await client.searchForInstances({ studyInstanceUID });
    instance = {
      studyInstanceUID,
      seriesInstanceUID: String(found!['0020000E']!.Value![0]),
      sopInstanceUID: String(found!['00080018']!.Value![0]),
    };
  });
  afterAll(() => router?.close());

  it('searches on every level', async () => {
    expect(await client.searchForStudies()).toHaveLength(files.length);
    expect(await client.searchForSeries(instance)).toHaveLength(1);
    expect(await client.searchForInstances(instance)).toHaveLength(1);
  });

  it('retrieves metadata on every level', async () => {
    expect(await client.retrieveStudyMetadata(instance)).toHaveLength(1);
    expect(await client.retrieveSeriesMetadata(instance)).toHaveLength(1);
    const metadata = [await client.retrieveInstanceMetadata(instance)].flat()[0] as Json;
    expect(metadata['00080018']!.Value).toEqual([instance.sopInstanceUID]);
  });

  it('retrieves objects on every level', async () => {
    for (const object of [
      ...(await client.retrieveStudy(instance)),
      ...(await client.retrieveSeries(instance)),
      await client.retrieveInstance(instance),
    ]) {
      expect(Buffer.from(object).toString('latin1', 128, 132)).toBe('DICM');
    }
  });

  it('retrieves frames, renditions and bulk data', async () => {
    const [metadata] = [await client.retrieveInstanceMetadata(instance)].flat() as Json[];
    const rows = Number(metadata!['00280010']!.Value![0]);
    const columns = Number(metadata!['00280011']!.Value![0]);
    const samples = Number(metadata!['00280002']!.Value![0]);
    const bytes = Number(metadata!['00280100']!.Value![0]) / 8;
    const [frame] = await client.retrieveInstanceFrames({ ...instance, frameNumbers: [1] });
    expect(frame!.byteLength).toBe(rows * columns * samples * bytes);
    const jpeg = await client.retrieveInstanceRendered({ ...instance, mediaTypes: [{ mediaType: 'image/jpeg' }] });
    expect(Buffer.from([jpeg].flat()[0]!).readUInt16BE(0)).toBe(0xffd8);
    const png = await client.retrieveInstanceFramesRendered({
      ...instance,
      frameNumbers: [1],
      mediaTypes: [{ mediaType: 'image/png' }],
    });
    expect(Buffer.from([png].flat()[0]!).toString('latin1', 1, 4)).toBe('PNG');
    const bulk = await client.retrieveBulkData({ BulkDataURI: metadata!['7FE00010']!.BulkDataURI! });
    expect([bulk].flat()[0]!.byteLength).toBeGreaterThan(0);
  });
});

/** As much of XMLHttpRequest as dicomweb-client asks for, on fetch. */
class FetchXhr {
  readyState = 0;
  status = 0;
  statusText = '';
  response: unknown = null;
  responseType = '';
  responseURL = '';
  onreadystatechange: (() => void) | null = null;
  onloadstart: (() => void) | null = null;
  onloadend: (() => void) | null = null;
  onerror: (() => void) | null = null;
  upload = {};
  #method = 'GET';
  #url = '';
  #headers = new Headers();
  #answer: Headers = new Headers();

  open(method: string, url: string): void {
    this.#method = method;
    this.#url = url;
  }
  setRequestHeader(name: string, value: string): void {
    this.#headers.set(name, value);
  }
  getResponseHeader(name: string): string | null {
    return this.#answer.get(name);
  }
  getAllResponseHeaders(): string {
    return [...this.#answer].map(([name, value]) => `${name}: ${value}\r\n`).join('');
  }
  abort(): void {}
  send(body?: ArrayBuffer | Uint8Array<ArrayBuffer>): void {
    fetch(this.#url, { method: this.#method, headers: this.#headers, ...(body ? { body } : {}) })
      .then(async (answer) => {
        const bytes = await answer.arrayBuffer();
        this.status = answer.status;
        this.statusText = answer.statusText;
        this.#answer = answer.headers;
        const text = () => Buffer.from(bytes).toString();
        this.response =
          this.responseType === 'arraybuffer' ? bytes : this.responseType === 'json' ? JSON.parse(text()) : text();
        this.readyState = 4;
        this.onreadystatechange?.();
        this.onloadend?.();
      })
      .catch(() => {
        this.readyState = 4;
        this.onreadystatechange?.();
        this.onerror?.();
      });
  }
}
