import { lazy, Suspense, useEffect, useMemo, useRef, useState } from 'react';
import { loadPreferences } from '../../shared/api/preferences.ts';
import { messages } from '../../shared/messages.en.ts';
import { useLocation } from '../../shared/navigation.ts';
import { Link } from '../../shared/ui/link.tsx';
import { useTitle } from '../../shared/use-title.ts';
import { useAnnotations } from './annotations/use-annotations.ts';
import { DeskNotices } from './components/desk-notices.tsx';
import { FindingList, Findings } from './components/findings.tsx';
import { HelpDialog } from './components/help-dialog.tsx';
import { OthersDialog, OthersTable } from './components/others-dialog.tsx';
import { Panes } from './components/panes.tsx';
import { Priors } from './components/priors.tsx';
import { SeriesRail } from './components/series-rail.tsx';
import { Toolbar } from './components/toolbar.tsx';
import { removeFirstImage } from './first-image.ts';
import { wishPlanes } from './mpr/mpr-wish.ts';
import { useSecondWindow } from './second-window.ts';
import { frameAttributesOf } from './study/frame-attributes.ts';
import { studyUIDsOf } from './study/open-study.ts';
import { studyLinkOf } from './study/study-link.ts';
import type { Stack } from './study/study-model.ts';
import { countOf, type Unshown } from './study/unshown.ts';
import { useStudies } from './study/use-studies.ts';
import { useDesk } from './use-desk.ts';
import { cineRateOf } from './viewport/cine-rate.ts';
import type { ToolName, ViewportController } from './viewport/controller.ts';
import { handleKey } from './viewport/keys.ts';
import { presetsOf } from './viewport/presets.ts';
import './reading.css';

const DeepLink = lazy(() => import('./components/deep-link.tsx'));
const KeysDialog = lazy(() => import('./components/keys-dialog.tsx'));
const ProtocolsDialog = lazy(() => import('./components/protocols-dialog.tsx'));
const TakeAwayDialog = lazy(() => import('./components/take-away-dialog.tsx'));

/** The reading page: series at the left, tools above, one to sixteen panes. */
export default function ReadingPage() {
  useTitle(messages.reading.title);
  const { query } = useLocation();
  const asked = studyUIDsOf(query).join(',');
  const uids = useMemo(() => asked.split(',').filter(Boolean), [asked]);
  const search = query.toString();
  const link = useMemo(() => (uids.length > 0 ? null : studyLinkOf(new URLSearchParams(search))), [uids, search]);
  const { opened, failed, loading, retry } = useStudies(uids);
  const desk = useDesk(uids, { opened, failed, loading });
  const { active: controller } = desk;
  const models = opened.map(({ model }) => model);
  const findings = useAnnotations(desk.annotations, opened);
  const [, setPreferencesKnown] = useState(false);
  useEffect(() => {
    // Without them the standard layouts and keys hold.
    loadPreferences().then(setPreferencesKnown, (error: unknown) => console.warn('preferences', error));
  }, []);
  const [tool, setTool] = useState<ToolName>('scroll');
  const [textShown, setTextShown] = useState(true);
  const [help, setHelp] = useState(false);
  const [others, setOthers] = useState<Unshown[] | null>(null);
  const [editing, setEditing] = useState<'protocols' | 'keys' | 'take-away' | null>(null);
  const whole = useRef<HTMLDivElement>(null);
  const stacks = models.flatMap((model) => model.stacks);
  const secondWindow = useSecondWindow(desk, uids, query, stacks);
  const picture = controller.onScreen?.picture ?? controller.picture;
  const presets = useMemo(() => (picture ? presetsOf(frameAttributesOf(picture)) : []), [picture]);

  useEffect(
    () => () => {
      for (const pane of desk.controllers) pane.stopCine();
      removeFirstImage();
    },
    [desk.controllers],
  );
  useEffect(() => {
    if (loading.length === 0 && stacks.length === 0) removeFirstImage();
  });

  const toggleFullScreen = () => {
    const done = document.fullscreenElement ? document.exitFullscreen() : whole.current?.requestFullscreen();
    // The browser says no where the page is framed without permission; the page stays as it is.
    done?.catch((error: unknown) => console.warn('full screen', error));
  };
  const toggleCine = () => {
    if (controller.cine > 0) controller.stopCine();
    else if (picture && (controller.stack?.pictures.length ?? 0) > 1) controller.startCine(cineRateOf(picture));
  };
  const stepSeries = (step: number) => {
    const mine = stacks.filter((stack) => stack.studyInstanceUID === controller.stack?.studyInstanceUID);
    const next = mine[mine.findIndex((stack) => stack.id === controller.stack?.id) + step];
    if (next) controller.open(next);
  };
  const keyContext = {
    controller,
    presets,
    setTool,
    toggleText: () => setTextShown((before) => !before),
    toggleCine,
    showHelp: () => setHelp(true),
    stepSeries,
    toggleLinks: () => desk.linking.toggleAll(),
    toggleLines: () => desk.linking.toggleLines(),
    toggleEnlarged: () => desk.enlarge(desk.enlarged ? null : controller),
    toggleFullScreen,
    openPlanes: wishPlanes,
  };
  const context = useRef(keyContext);
  context.current = keyContext;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.closest('dialog')) return;
      // Escape closes an open menu, and that alone.
      if (event.key === 'Escape' && document.querySelector('[popover]:popover-open')) return;
      if (event.key === ' ' && target.tagName === 'BUTTON') target.blur();
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'z') {
        event.preventDefault();
        if (event.shiftKey) context.current.controller.measuring.redo();
        else context.current.controller.measuring.undo();
        return;
      }
      if (handleKey(event, context.current)) event.preventDefault();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);

  const drop = (pane: ViewportController, id: string) => {
    const stack: Stack | undefined = stacks.find((candidate) => candidate.id === id);
    if (stack) pane.open(stack);
  };
  return (
    <div className="reading" ref={whole}>
      <h1 className="sr-only">{messages.reading.title}</h1>
      <aside className="rail" aria-label={messages.reading.series}>
        <FindingList findings={findings} />
        <SeriesRail
          opened={opened}
          open={desk.seen.flatMap((pane) => pane.stack?.id ?? [])}
          onPick={(stack, pictureId) => controller.open(stack, pictureId)}
          onOthers={setOthers}
        />
        {models[0] && <Priors key={models[0].studyInstanceUID} model={models[0]} open={uids} />}
        <Findings opened={opened} store={desk.annotations} />
      </aside>
      <div className="desk">
        <Toolbar
          desk={desk}
          secondWindow={secondWindow}
          tool={tool}
          presets={presets}
          textShown={textShown}
          onTool={setTool}
          onText={keyContext.toggleText}
          onCine={toggleCine}
          onHelp={keyContext.showHelp}
          onFullScreen={toggleFullScreen}
          onEdit={setEditing}
        />
        <DeskNotices opened={opened} failed={failed} loading={loading} onRetry={retry} />
        <Panes desk={desk} opened={opened} tool={tool} textShown={textShown} findings={findings} onDrop={drop} />
        {link && (
          <Suspense>
            <DeepLink link={link} />
          </Suspense>
        )}
        {uids.length === 0 && !link && (
          <div className="desk-message">
            <p>{messages.reading.noStudy}</p>
            <Link to="./">{messages.pages.toWorklist}</Link>
          </div>
        )}
        {loading.length === 0 && models.length > 0 && stacks.length === 0 && (
          <div className="desk-message desk-others">
            <p>
              {models.some((model) => model.documents.length > 0)
                ? messages.reading.onlyDocuments
                : messages.reading.noPictures}
            </p>
            <OthersTable objects={models.flatMap((model) => countOf(model, () => undefined).unshown)} />
          </div>
        )}
      </div>
      {help && <HelpDialog presets={presets} onClose={() => setHelp(false)} />}
      <Suspense>
        {editing === 'protocols' && <ProtocolsDialog onClose={() => setEditing(null)} />}
        {editing === 'take-away' && (
          <TakeAwayDialog
            desk={desk}
            findings={findings.flatMap((one) => one.findings)}
            onClose={() => setEditing(null)}
          />
        )}
        {editing === 'keys' && <KeysDialog onClose={() => setEditing(null)} />}
      </Suspense>
      {others && <OthersDialog objects={others} onClose={() => setOthers(null)} />}
    </div>
  );
}
