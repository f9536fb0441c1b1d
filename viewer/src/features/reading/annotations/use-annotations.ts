import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import type { OpenedStudy } from '../study/study-loader.ts';
import type { AnnotationStore } from './annotation-store.ts';
import type { ReadFinding } from './read-report.ts';

export interface Findings {
  studyInstanceUID: string;
  findings: ReadFinding[];
}

/**
 * Reads what was kept of the open studies, once each object, when a study is known completely: after its first image.
 * @returns the provisional findings of each study, the newest first
 */
export function useAnnotations(store: AnnotationStore, opened: readonly OpenedStudy[]): Findings[] {
  useSyncExternalStore(store.subscribe, () => store.version);
  const [findings, setFindings] = useState<ReadonlyMap<string, ReadFinding[]>>(new Map());
  const read = useRef(new Set<string>());
  const latest = useRef(opened);
  latest.current = opened;
  const known = opened.map(({ model, complete }) => `${model.studyInstanceUID} ${model.objects} ${complete}`).join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: `known` changes when `opened` has really changed
  useEffect(() => {
    for (const { model, complete } of latest.current) {
      if (!complete || (model.documents.length === 0 && model.others.length === 0)) continue;
      void import('./load.ts')
        .then(async ({ annotationObjects, loadAnnotations }) => {
          const fresh = annotationObjects(model).filter(({ key }) => !read.current.has(key));
          for (const { key } of fresh) read.current.add(key);
          if (fresh.length === 0) return;
          const loaded = await loadAnnotations(model, fresh);
          store.load(loaded.measurements, loaded.keyImages, loaded.withdrawn);
          if (loaded.findings.length === 0) return;
          const uid = model.studyInstanceUID;
          setFindings((before) => new Map(before).set(uid, [...loaded.findings, ...(before.get(uid) ?? [])]));
        })
        .catch((error: unknown) => console.warn('annotations', error));
    }
  }, [store, known]);
  return opened.map(({ model: { studyInstanceUID } }) => ({
    studyInstanceUID,
    findings: findings.get(studyInstanceUID) ?? [],
  }));
}
