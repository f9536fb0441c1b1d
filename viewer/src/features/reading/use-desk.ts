import { useLayoutEffect, useRef, useState, useSyncExternalStore } from 'react';
import type { HangingProtocol } from '../../../../contract/preferences.ts';
import { AnnotationStore } from './annotations/annotation-store.ts';
import { removeFirstImage } from './first-image.ts';
import type { StudiesState } from './study/study-loader.ts';
import { ViewportController } from './viewport/controller.ts';
import { hang } from './viewport/hang.ts';
import { protocolFor } from './viewport/hanging.ts';
import { type LayoutName, layoutFor, mostPanes, panesOf } from './viewport/layouts.ts';
import { Linking } from './viewport/linking.ts';
import { closeOthers, fillEmpty, placeNew, updateStacks } from './viewport/panes.ts';

/** The panes, how they are laid out and linked, and which of them the reader works on. */
export interface Desk {
  /** All there are; those of the layout come first. */
  controllers: readonly ViewportController[];
  /** Those on the screen. */
  seen: readonly ViewportController[];
  active: ViewportController;
  linking: Linking;
  annotations: AnnotationStore;
  layout: LayoutName;
  protocol: HangingProtocol;
  /** The one pane that is shown alone, or null. */
  enlarged: ViewportController | null;
  setActive(pane: ViewportController): void;
  chooseLayout(layout: LayoutName): void;
  /** Lays everything out anew. */
  hang(protocol: HangingProtocol): void;
  enlarge(pane: ViewportController | null): void;
}

/** Lays the studies of the address out, each where the protocol wants it, and keeps the panes up to date. */
export function useDesk(uids: readonly string[], { opened, loading }: StudiesState): Desk {
  const models = opened.map(({ model }) => model);
  const [annotations] = useState(() => new AnnotationStore());
  const [controllers] = useState(() => Array.from({ length: mostPanes }, () => new ViewportController(annotations)));
  const [linking] = useState(() => new Linking(controllers));
  const [protocol, setProtocol] = useState(() => protocolFor(models[0], uids.length));
  const [layout, setLayout] = useState<LayoutName>(protocol.layout);
  const [activePane, setActivePane] = useState(0);
  const [enlargedPane, setEnlarged] = useState<number | null>(null);
  const count = panesOf(layout);
  const active = controllers[Math.min(enlargedPane ?? activePane, count - 1)]!;
  const enlarged = enlargedPane !== null && enlargedPane < count ? controllers[enlargedPane]! : null;
  useSyncExternalStore(active.subscribe, () => active.version);
  useSyncExternalStore(linking.subscribe, () => linking.version);
  linking.visible = count;

  // In the same tick as the new address: nothing of the former patient stays under the new one's name, whatever comes of it.
  const address = useRef<readonly string[]>(uids);
  const placed = useRef(new Set<string>());
  const hung = useRef('');
  useLayoutEffect(() => {
    const before = address.current;
    address.current = uids;
    if (before === uids) return;
    closeOthers(controllers, uids);
    removeFirstImage();
    if (uids.some((uid) => before.includes(uid))) return;
    hung.current = '';
    setEnlarged(null);
    linking.setLinks([]);
    setLayout(layoutFor(uids.length));
  }, [controllers, linking, uids]);
  useLayoutEffect(() => {
    updateStacks(controllers, models);
    const place = placeNew(controllers, uids, models, placed.current);
    if (place >= panesOf(layout)) setLayout(place > 1 ? '2x2' : '1x2');
    const all = uids.join();
    const ready = models.length > 0 && loading.length === 0 && opened.every(({ complete }) => complete);
    if (!ready || hung.current === all) return;
    const first = hung.current === '';
    hung.current = all;
    if (!first) return;
    const fitting = protocolFor(models[0], uids.length);
    setProtocol(fitting);
    setLayout(fitting.layout);
    linking.setLinks(fitting.links ?? []);
    if (fitting.panes) hang(fitting, controllers, models, (pane) => !pane.touched);
  });

  const chooseLayout = (name: LayoutName) => {
    setLayout(name);
    setEnlarged(null);
    for (const pane of controllers.slice(panesOf(name))) pane.stopCine();
    fillEmpty(controllers.slice(0, panesOf(name)), models);
  };
  return {
    controllers,
    seen: enlarged ? [enlarged] : controllers.slice(0, count),
    active,
    linking,
    annotations,
    layout,
    protocol,
    enlarged,
    setActive: (pane) => setActivePane(controllers.indexOf(pane)),
    chooseLayout,
    hang: (wanted) => {
      setProtocol(wanted);
      setLayout(wanted.layout);
      setEnlarged(null);
      for (const pane of controllers.slice(panesOf(wanted.layout))) pane.stopCine();
      hang(wanted, controllers, models, () => true);
      linking.setLinks(wanted.links ?? []);
    },
    enlarge: (pane) => setEnlarged(pane ? controllers.indexOf(pane) : null),
  };
}
