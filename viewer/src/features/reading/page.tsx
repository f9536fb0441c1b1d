import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { RequestError } from '../../shared/api/client.ts';
import { useCommitted } from '../../shared/api/use-status.ts';
import { messages } from '../../shared/messages.en.ts';
import { useLocation } from '../../shared/navigation.ts';
import { Link } from '../../shared/ui/link.tsx';
import { useTitle } from '../../shared/use-title.ts';
import { HelpDialog } from './components/help-dialog.tsx';
import { OthersDialog, OthersTable } from './components/others-dialog.tsx';
import { Priors } from './components/priors.tsx';
import { SeriesRail } from './components/series-rail.tsx';
import { type LayoutName, Toolbar } from './components/toolbar.tsx';
import { Viewport } from './components/viewport.tsx';
import { removeFirstImage } from './first-image.ts';
import { frameAttributesOf } from './study/frame-attributes.ts';
import { bootStudy, firstPictureOf, openStudy, studyUIDsOf } from './study/open-study.ts';
import type { OtherObject, Stack, StudyModel } from './study/study-model.ts';
import { cineRateOf } from './viewport/cine-rate.ts';
import { type ToolName, ViewportController } from './viewport/controller.ts';
import { handleKey } from './viewport/keys.ts';
import { presetsOf } from './viewport/presets.ts';
import './reading.css';

const panesOf: Record<LayoutName, number> = { '1x1': 1, '1x2': 2, '2x1': 2, '2x2': 4 };

interface StudyState {
  models: StudyModel[];
  failed: { uid: string; reason: string }[];
  loading: boolean;
}

/** The studies of the address, kept up to date while images arrive. */
function useStudies(uids: string[]): StudyState {
  const key = uids.join(',');
  const [models, setModels] = useState<Map<string, StudyModel>>(() => {
    const known = uids.flatMap((uid) => {
      const boot = bootStudy(uid);
      return boot ? [[uid, boot.model] as const] : [];
    });
    return new Map(known);
  });
  const [failed, setFailed] = useState<StudyState['failed']>([]);
  const load = useCallback(async (uid: string) => {
    try {
      const { model } = await openStudy(uid);
      setModels((before) => new Map(before).set(uid, model));
      setFailed((before) => before.filter((row) => row.uid !== uid));
    } catch (error) {
      const unknown = error instanceof RequestError && error.status === 404;
      const reason = unknown ? messages.reading.unknownStudy : (error as Error).message;
      setFailed((before) => [...before.filter((row) => row.uid !== uid), { uid, reason }]);
    }
  }, []);
  useEffect(() => {
    for (const uid of key.split(',').filter(Boolean)) if (!bootStudy(uid)?.complete) void load(uid);
  }, [key, load]);
  const pending = useRef(new Map<string, ReturnType<typeof setTimeout>>());
  useCommitted(
    useCallback(
      (changed: string[]) => {
        for (const uid of changed) {
          if (!key.split(',').includes(uid) || pending.current.has(uid)) continue;
          pending.current.set(
            uid,
            setTimeout(() => {
              pending.current.delete(uid);
              void load(uid);
            }, 700),
          );
        }
      },
      [key, load],
    ),
  );
  const found = uids.flatMap((uid) => models.get(uid) ?? []);
  const lost = failed.filter((row) => uids.includes(row.uid) && !models.has(row.uid));
  return { models: found, failed: lost, loading: found.length + lost.length < uids.length };
}

/** The reading page: series at the left, tools above, one to four panes. */
export default function ReadingPage() {
  useTitle(messages.reading.title);
  const { query } = useLocation();
  const uids = studyUIDsOf(query);
  const { models, failed, loading } = useStudies(uids);
  const [controllers] = useState(() => Array.from({ length: 4 }, () => new ViewportController()));
  const [layout, setLayout] = useState<LayoutName>('1x1');
  const [activePane, setActivePane] = useState(0);
  const [tool, setTool] = useState<ToolName>('scroll');
  const [textShown, setTextShown] = useState(true);
  const [help, setHelp] = useState(false);
  const [others, setOthers] = useState<OtherObject[] | null>(null);
  const stacks = models.flatMap((model) => model.stacks);
  const controller = controllers[Math.min(activePane, panesOf[layout] - 1)]!;
  useSyncExternalStore(controller.subscribe, () => controller.version);
  const { picture } = controller;
  const presets = useMemo(() => (picture ? presetsOf(frameAttributesOf(picture)) : []), [picture]);

  // Layout effect order matters: the pane must be filled in the same tick in which it first appears.
  const opened = useRef('');
  if (models[0] && opened.current !== models[0].studyInstanceUID) {
    opened.current = models[0].studyInstanceUID;
    const first = firstPictureOf(models[0]);
    const stack = models[0].stacks.find((candidate) => first && candidate.pictures.includes(first)) ?? null;
    queueMicrotask(() => controllers[0]!.open(stack, first?.id));
  }
  useEffect(() => {
    for (const pane of controllers) {
      const newer = stacks.find((stack) => stack.id === pane.stack?.id);
      if (newer && newer !== pane.stack) pane.replaceStack(newer);
    }
  });
  useEffect(
    () => () => {
      for (const pane of controllers) pane.stopCine();
    },
    [controllers],
  );
  useEffect(() => {
    if (!loading && stacks.length === 0) removeFirstImage();
  });

  const toggleCine = () => {
    if (controller.cine > 0) controller.stopCine();
    else if (picture && (controller.stack?.pictures.length ?? 0) > 1) controller.startCine(cineRateOf(picture));
  };
  const stepSeries = (step: number) => {
    const next = stacks[stacks.findIndex((stack) => stack.id === controller.stack?.id) + step];
    if (next) controller.open(next);
  };
  const chooseLayout = (name: LayoutName) => {
    setLayout(name);
    const used = new Set(controllers.slice(0, panesOf[name]).map((pane) => pane.stack?.id));
    for (const pane of controllers.slice(0, panesOf[name])) {
      if (pane.stack) continue;
      const free = stacks.find((stack) => !used.has(stack.id));
      if (!free) break;
      used.add(free.id);
      pane.open(free);
    }
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
  const cannotShow = models.flatMap((model) => model.others);
  return (
    <div className="reading">
      <aside className="rail">
        <SeriesRail
          models={models}
          open={controllers.slice(0, panesOf[layout]).flatMap((pane) => pane.stack?.id ?? [])}
          onPick={(stack) => controller.open(stack)}
          onOthers={(model) => setOthers(model.others)}
        />
        {models[0] && <Priors model={models[0]} open={uids} />}
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
        <div className={`panes panes-${layout}`}>
          {controllers.slice(0, panesOf[layout]).map((pane, i) => (
            <Viewport
              // biome-ignore lint/suspicious/noArrayIndexKey: a pane is its place
              key={i}
              controller={pane}
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
        {failed.map((row) => (
          <div key={row.uid} className="desk-message" role="alert">
            <p>{row.reason}</p>
            <p className="soft">{row.uid}</p>
            <Link to="./">{messages.pages.toWorklist}</Link>
          </div>
        ))}
        {!loading && models.length > 0 && stacks.length === 0 && (
          <div className="desk-message desk-others">
            <p>{messages.reading.noPictures}</p>
            <OthersTable objects={cannotShow} />
          </div>
        )}
      </div>
      {help && <HelpDialog presets={presets} onClose={() => setHelp(false)} />}
      {others && <OthersDialog objects={others} onClose={() => setOthers(null)} />}
    </div>
  );
}
