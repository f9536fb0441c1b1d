import type { LifeboatSearch } from '../../../../storage/format/lifeboat-index.ts';
import { lifeboatMessages } from '../../shared/messages.lifeboat.en.ts';

/** What is typed into the search form; dates as DA (PS3.5 6.2), `YYYYMMDD`. */
export interface Question {
  patientID: string;
  accessionNumber: string;
  familyName: string;
  from: string;
  to: string;
  modality: string;
}

export const EMPTY: Question = { patientID: '', accessionNumber: '', familyName: '', from: '', to: '', modality: '' };
export const PAGE_SIZE = 50;

/** Why a question cannot be asked, or ''. */
export function objection(question: Question): string {
  const { modality, ...others } = question;
  if (Object.values(others).some((value) => value.trim() !== '')) return '';
  return modality ? lifeboatMessages.find.modalityAlone : lifeboatMessages.find.needOne;
}

/** For the index. @param after where the page before ended */
export function searchOf(question: Question, after?: string): LifeboatSearch {
  const { from, to } = question;
  const said = Object.entries({
    patientID: question.patientID.trim(),
    accessionNumber: question.accessionNumber.trim(),
    familyName: question.familyName.trim(),
    modality: question.modality,
  }).filter(([, value]) => value !== '');
  return {
    ...Object.fromEntries(said),
    ...((from || to) && { studyDate: { ...(from && { from }), ...(to && { to }) } }),
    limit: PAGE_SIZE,
    ...(after !== undefined && { after }),
  };
}

/** For the trace: what was searched for. */
export function wordsOf(question: Question): string {
  return Object.entries(question)
    .filter(([, value]) => value.trim() !== '')
    .map(([name, value]) => `${name}=${value.trim()}`)
    .join('&');
}

/** The day `days` before today as DA, on this machine's calendar. */
export function dayBefore(days: number, now = new Date()): string {
  const day = new Date(now.getFullYear(), now.getMonth(), now.getDate() - days);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${day.getFullYear()}${two(day.getMonth() + 1)}${two(day.getDate())}`;
}
