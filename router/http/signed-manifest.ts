import type { BootImage, ViewerBoot } from '../../contract/api.ts';
import type { Archive } from '../../storage/archive-types.ts';
import type {
  InstanceManifest,
  InstanceRendition,
  SeriesManifest,
  StudyManifest,
} from '../../storage/format/manifest.ts';
import type { Renditions } from '../renditions.ts';
import { expiryFor, type ObjectSigner } from './signed-objects.ts';

/** Studies up to this many instances go into the page whole. */
const BOOT_WHOLE = 60;
/** Of larger ones this many of the first series. */
const BOOT_INSTANCES = 8;
/** The first image does not wait longer than this to hear of renditions, ms. */
const BOOT_PATIENCE_MS = 40;

/** Study manifests with an address in every instance, from which a browser reads the object itself. */
export class SignedManifests {
  readonly #archive: Pick<Archive, 'manifest' | 'reading'>;
  readonly #signer: ObjectSigner;
  readonly #renditions: Pick<Renditions, 'of' | 'lookedAt'> | undefined;
  readonly #now: () => number;
  constructor(
    archive: Pick<Archive, 'manifest' | 'reading'>,
    signer: ObjectSigner,
    renditions?: Pick<Renditions, 'of' | 'lookedAt'>,
    now: () => number = Date.now,
  ) {
    this.#archive = archive;
    this.#signer = signer;
    this.#renditions = renditions;
    this.#now = now;
  }

  /** null when the study is unknown. */
  async get(studyInstanceUID: string): Promise<StudyManifest | null> {
    const manifest = await this.#archive.manifest(studyInstanceUID);
    if (!manifest) return null;
    this.#renditions?.lookedAt(manifest);
    return await this.#sign(manifest, await this.#renditions?.of(studyInstanceUID));
  }

  /** What the page of this study needs to paint its first image; undefined when the study is unknown. */
  async boot(studyInstanceUID: string): Promise<ViewerBoot['study']> {
    const manifest = await this.#archive.manifest(studyInstanceUID);
    if (!manifest) return undefined;
    const total = manifest.series.reduce((sum, series) => sum + series.instances.length, 0);
    const first = firstDisplayable(manifest);
    const complete = total <= BOOT_WHOLE;
    const cut =
      complete || !first
        ? { ...manifest, series: complete ? manifest.series : [] }
        : {
            ...manifest,
            series: [{ ...first, instances: first.instances.filter(hasPicture).slice(0, BOOT_INSTANCES) }],
          };
    const patience = new Promise<undefined>((done) => setTimeout(() => done(undefined), BOOT_PATIENCE_MS).unref());
    const signed = await this.#sign(cut, await Promise.race([this.#renditions?.of(studyInstanceUID), patience]));
    return { studyInstanceUID, manifest: signed, complete, firstImage: firstImage(signed) };
  }

  async #sign(
    manifest: StudyManifest,
    renditions: ReadonlyMap<string, InstanceRendition> = new Map(),
  ): Promise<StudyManifest> {
    const expiry = expiryFor(this.#now());
    const address = async (key: string) =>
      (await this.#archive.reading.presign(key, expiry)) ?? this.#signer.url(key, expiry);
    const packs = new Map<string, string>();
    for (const { key } of renditions.values()) if (!packs.has(key)) packs.set(key, await address(key));
    const rendition = (objectKey: string) => {
      const known = renditions.get(objectKey);
      return known && { rendition: { ...known, url: packs.get(known.key)! } };
    };
    const signInstance = async (instance: InstanceManifest): Promise<InstanceManifest> => ({
      ...instance,
      url: await address(instance.key),
      ...rendition(instance.key),
      ...(instance.superseded && {
        superseded: await Promise.all(
          instance.superseded.map(async (older) => ({ ...older, url: await address(older.key) })),
        ),
      }),
    });
    const series = await Promise.all(
      manifest.series.map(async (one) => ({
        ...one,
        instances: await Promise.all(one.instances.map(signInstance)),
      })),
    );
    return { ...manifest, series };
  }
}

const hasPicture = (instance: InstanceManifest) => instance.pixelData !== undefined && instance.pixelData.frames !== 0;

function firstDisplayable(manifest: StudyManifest): SeriesManifest | undefined {
  return manifest.series.find((series) => series.instances.some(hasPicture));
}

function firstImage(manifest: StudyManifest): BootImage | null {
  const series = firstDisplayable(manifest);
  const instance = series?.instances.find(hasPicture);
  if (!series || !instance?.url) return null;
  const bytes = firstFrameBytes(instance);
  return {
    seriesInstanceUID: series.seriesInstanceUID,
    sopInstanceUID: instance.sopInstanceUID,
    url: instance.url,
    ...(bytes && { bytes }),
  };
}

/** First and one-past-last byte of frame 1; undefined where the whole object is needed. */
function firstFrameBytes({ pixelData }: InstanceManifest): [number, number] | undefined {
  if (!pixelData || pixelData.kind === 'deflated') return undefined;
  if (pixelData.kind === 'native')
    return [pixelData.offset, pixelData.offset + Math.min(pixelData.length, Math.ceil(pixelData.frameBits / 8))];
  const fragments = pixelData.frames[0];
  if (!fragments || fragments.length < 2) return undefined;
  return [fragments[0]!, fragments.at(-2)! + fragments.at(-1)!];
}
