import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { asLifeboatError } from '../../contract/errors.ts';
import type { ScheduleFields } from '../../contract/ris.ts';
import type { BackfillState } from '../backfill/backfill-state.ts';
import type { Pace } from '../backfill/pace.ts';
import type { PacsSource } from '../backfill/pacs-source.ts';
import { choosePriors } from '../backfill/priors.ts';
import { startsOf } from '../worklist/worklist-fields.ts';
import { dayOf, type WorklistItem } from '../worklist/worklist-store.ts';

export interface AskingOptions {
  state: BackfillState;
  source: PacsSource;
  pace: Pace;
  /** What scanners are told: who is expected. */
  worklist(): readonly WorklistItem[];
  /** Earlier studies to fetch for each patient. */
  priors: number;
  log: Logger;
}

const ROUND_MS = 60_000;
/** What the PACS said of a patient or a day is asked again after this, ms. */
const PATIENT_OLD_MS = 30 * 60_000;
const DAY_OLD_MS = 60 * 60_000;
const TODAY_OLD_MS = 10 * 60_000;
/** Past days that are always compared. */
const DAYS = 7;

/**
 * Asks the PACS what it has of the patients who are expected and of the last days, so that readiness can be told while it is
 * down; and sees to it that the priors that matter are fetched before the appointment.
 */
export class Asking {
  readonly #options: AskingOptions;
  readonly #stop = new AbortController();
  #run: Promise<void> | undefined;
  #news = Promise.withResolvers<void>();
  #trouble = '';
  #days = DAYS;
  /** What was last seen to for each patient: nothing is done again while neither orders nor the PACS have changed. */
  #seenTo = new Map<string, string>();

  constructor(options: AskingOptions) {
    this.#options = options;
  }

  /** Why the PACS cannot be asked; '' when it can. */
  get trouble(): string {
    return this.#trouble;
  }

  start(): void {
    this.#run = this.#rounds();
  }

  /** The worklist changed, or more days are looked at: asks soon. */
  wake(days = DAYS): void {
    this.#days = Math.max(this.#days, days);
    this.#news.resolve();
  }

  async #rounds(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.#news = Promise.withResolvers();
      try {
        await this.#round(signal);
        this.#trouble = '';
      } catch (cause) {
        if (signal.aborted) return;
        const { code, message } = asLifeboatError(cause);
        if (code === 'INTERNAL') this.#options.log.error({ err: cause }, 'readiness');
        this.#trouble = message;
      }
      await Promise.race([sleep(ROUND_MS, undefined, { signal }).catch(() => undefined), this.#news.promise]);
    }
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { state, source, pace } = this.#options;
    for (const { patientID, issuer, items } of this.#expected()) {
      if (!isOlder(state.patientAskedAt(patientID, issuer), PATIENT_OLD_MS)) {
        this.#urge(patientID, issuer, items);
        continue;
      }
      await pace.turn(signal, true);
      const begun = performance.now();
      const studies = await source.studiesOfPatient(patientID, issuer, signal);
      pace.answered(performance.now() - begun);
      state.knowPatient(patientID, issuer, studies);
      this.#urge(patientID, issuer, items);
    }
    const now = new Date();
    for (let ago = 0; ago < this.#days; ago++) {
      const day = dayOf(now, -ago);
      if (!isOlder(state.dayAskedAt(day), ago === 0 ? TODAY_OLD_MS : DAY_OLD_MS)) continue;
      await pace.turn(signal, true);
      state.knowDay(day, await source.studiesOn(day, '', signal));
    }
  }

  /** Patients of today and later, the earliest appointment first. */
  #expected() {
    const today = dayOf(new Date());
    const patients = new Map<string, { patientID: string; issuer: string; items: ScheduleFields[] }>();
    for (const { fields, origin } of this.#options.worklist()) {
      if (origin === 'unscheduled' || fields.patientID === '' || startsOf(fields) < today) continue;
      const key = JSON.stringify([fields.patientID, fields.issuerOfPatientID]);
      const patient = patients.get(key) ?? { patientID: fields.patientID, issuer: fields.issuerOfPatientID, items: [] };
      patient.items.push(fields);
      patients.set(key, patient);
    }
    return patients.values();
  }

  #urge(patientID: string, issuer: string, items: readonly ScheduleFields[]): void {
    const { state, priors } = this.#options;
    if (priors === 0) return;
    const key = JSON.stringify([patientID, issuer]);
    const orders = items.map(({ studyInstanceUID, modality, description }) => [
      studyInstanceUID,
      modality,
      description,
    ]);
    const now = JSON.stringify([state.patientAskedAt(patientID, issuer), orders]);
    if (this.#seenTo.get(key) === now) return;
    this.#seenTo.set(key, now);
    const known = state.knownOfPatient(patientID);
    for (const item of items) for (const study of choosePriors(item, known, priors)) state.urge(study, startsOf(item));
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('the router is closing'));
    this.#news.resolve();
    await this.#run;
  }
}

const isOlder = (at: string | null, ms: number) => at === null || Date.now() - Date.parse(at) > ms;
