import { useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { messages } from '../../shared/messages.en.ts';
import { useLocation } from '../../shared/navigation.ts';
import { Link } from '../../shared/ui/link.tsx';
import { useTitle } from '../../shared/use-title.ts';
import { DeskNotices } from './components/desk-notices.tsx';
import { HelpDialog } from './components/help-dialog.tsx';
import { OthersDialog, OthersTable } from './components/others-dialog.tsx';
import { Priors } from './components/priors.tsx';
import { SeriesRail } from './components/series-rail.tsx';
import { Toolbar } from './components/toolbar.tsx';
import { Viewport } from './components/viewport.tsx';
import { removeFirstImage } from './first-image.ts';
import { frameAttributesOf } from './study/frame-attributes.ts';
import { studyUIDsOf } from './study/open-study.ts';
import type { Stack } from './study/study-model.ts';
import { countOf, type Unshown } from './study/unshown.ts';
import { useStudies } from './study/use-studies.ts';
import { cineRateOf } from './viewport/cine-rate.ts';
import { type ToolName, ViewportController } from './viewport/controller.ts';
import { handleKey } from './viewport/keys.ts';
import { type LayoutName, layoutFor, panesOf } from './viewport/layouts.ts';
import { closeOthers, fillEmpty, placeNew, updateStacks } from './viewport/panes.ts';
import { presetsOf } from './viewport/presets.ts';
import './reading.css';

/** The reading page: series at the left, tools above, one to four panes. */
export default function ReadingPage() {
  useTitle(messages.reading.title);
  const { query } = useLocation();
  const asked = studyUIDsOf(query).join(',');
  const uids = useMemo(() => asked.split(',').filter(Boolean), [asked]);
  const { opened, failed, loading, retry } = useStudies(uids);
  const models = opened.map(({ model }) => model);
  const [controllers] = useState(() => Array.from({ length: 4 }, () => new ViewportController()));
  const [layout, setLayout] = useState<LayoutName>(() => layoutFor(uids.length));
  const [activePane, setActivePane] = useState(0);
  const [tool, setTool] = useState<ToolName>('scroll');
  const [textShown, setTextShown] = useState(true);
  const [help, setHelp] = useState(false);
  const [others, setOthers] = useState<Unshown[] | null>(null);
  const stacks = models.flatMap((model) => model.stacks);
  const controller = controllers[Math.min(activePane, panesOf[layout] - 1)]!;
  useSyncExternalStore(controller.subscribe, () => controller.version);
  const picture = controller.onScreen?.picture ?? controller.picture;
  const presets = useMemo(() => (picture ? presetsOf(frameAttributesOf(picture)) : []), [picture]);

  // In the same tick as the new address: nothing of the former patient stays under the new one's name, whatever comes of it.
  const address = useRef<readonly string[]>(uids);
  const placed = useRef(new Set<string>());
  useLayoutEffect(() => {
    const before = address.current;
    address.current = uids;
    if (before === uids) return;
    closeOthers(controllers, uids);
    removeFirstImage();
    setOthers(null);
    if (!uids.some((uid) => before.includes(uid))) setLayout(layoutFor(uids.length));
  }, [controllers, uids]);
  useLayoutEffect(() => {
    updateStacks(controllers, models);
    const place = placeNew(controllers, uids, models, placed.current);
    if (place >= panesOf[layout]) setLayout(place > 1 ? '2x2' : '1x2');
  });
  useEffect(
    () => () => {
      for (const pane of controllers) pane.stopCine();
      removeFirstImage();
    },
    [controllers],
  );
  useEffect(() => {
    if (loading.length === 0 && stacks.length === 0) removeFirstImage();
  });

  const toggleCine = () => {
    if (controller.cine > 0) controller.stopCine();
    else if (picture && (controller.stack?.pictures.length ?? 0) > 1) controller.startCine(cineRateOf(picture));
  };
  const stepSeries = (step: number) => {
    const mine = stacks.filter((stack) => stack.studyInstanceUID === controller.stack?.studyInstanceUID);
    const next = mine[mine.findIndex((stack) => stack.id === controller.stack?.id) + step];
    if (next) controller.open(next);
  };
  const chooseLayout = (name: LayoutName) => {
    setLayout(name);
    for (const pane of controllers.slice(panesOf[name])) pane.stopCine();
    fillEmpty(controllers.slice(0, panesOf[name]), models);
  };
  const keyContext = {
    controller,
    presets,
    setTool,
    toggleText: () => setTextShown((before) => !before),
    toggleCine,
    showHelp: () => setHelp(true),
    stepSeries,
  };
  const context = useRef(keyContext);
  context.current = keyContext;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.closest('dialog')) return;
      if (event.key === ' ' && target.tagName === 'BUTTON') target.blur();
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
    <div className="reading">
      <h1 className="sr-only">{messages.reading.title}</h1>
      <aside className="rail" aria-label={messages.reading.series}>
        <SeriesRail
          opened={opened}
          open={controllers.slice(0, panesOf[layout]).flatMap((pane) => pane.stack?.id ?? [])}
          onPick={(stack) => controller.open(stack)}
          onOthers={setOthers}
        />
        {models[0] && <Priors key={models[0].studyInstanceUID} model={models[0]} open={uids} />}
      </aside>
      <div className="desk">
        <Toolbar
          controller={controller}
          tool={tool}
          presets={presets}
          layout={layout}
          textShown={textShown}
          onTool={setTool}
          onLayout={chooseLayout}
          onText={keyContext.toggleText}
          onCine={toggleCine}
          onHelp={keyContext.showHelp}
        />
        <DeskNotices opened={opened} failed={failed} loading={loading} onRetry={retry} />
        <div className={`panes panes-${layout}`}>
          {controllers.slice(0, panesOf[layout]).map((pane, i) => (
            <Viewport
              // biome-ignore lint/suspicious/noArrayIndexKey: a pane is its place
              key={i}
              controller={pane}
              study={opened.find(({ model }) => model.studyInstanceUID === pane.stack?.studyInstanceUID)}
              place={i + 1}
              places={panesOf[layout]}
              active={panesOf[layout] > 1 && pane === controller}
              tool={tool}
              textShown={textShown}
              onActivate={() => setActivePane(i)}
              onDropStack={(id) => drop(pane, id)}
            />
          ))}
        </div>
        {uids.length === 0 && (
          <div className="desk-message">
            <p>{messages.reading.noStudy}</p>
            <Link to="./">{messages.pages.toWorklist}</Link>
          </div>
        )}
        {loading.length === 0 && models.length > 0 && stacks.length === 0 && (
          <div className="desk-message desk-others">
            <p>{messages.reading.noPictures}</p>
            <OthersTable objects={models.flatMap((model) => countOf(model, () => undefined).unshown)} />
          </div>
        )}
      </div>
      {help && <HelpDialog presets={presets} onClose={() => setHelp(false)} />}
      {others && <OthersDialog objects={others} onClose={() => setOthers(null)} />}
    </div>
  );
}
